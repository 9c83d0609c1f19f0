package main

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	appsapply "k8s.io/client-go/applyconfigurations/apps/v1"
	coreapply "k8s.io/client-go/applyconfigurations/core/v1"
	metaapply "k8s.io/client-go/applyconfigurations/meta/v1"
)

// Server-side apply: two managers share a deployment, quarrel over a field, and one of them takes back what it owns.
func serverSideApply(ctx context.Context, s *scene) error {
	deployments := s.client.AppsV1().Deployments(s.namespace)
	labels := map[string]string{"app": "shared"}
	owner := metav1.ApplyOptions{FieldManager: "owner"}
	guest := metav1.ApplyOptions{FieldManager: "guest"}
	declared := func(replicas int32) *appsapply.DeploymentApplyConfiguration {
		return appsapply.Deployment("shared", s.namespace).WithSpec(appsapply.DeploymentSpec().
			WithReplicas(replicas).
			WithSelector(metaapply.LabelSelector().WithMatchLabels(labels)).
			WithTemplate(coreapply.PodTemplateSpec().
				WithLabels(labels).
				WithSpec(coreapply.PodSpec().WithContainers(coreapply.Container().
					WithName("main").
					WithImage("example.com/main:1").
					WithEnv(coreapply.EnvVar().WithName("A").WithValue("1"))))))
	}
	created, err := deployments.Apply(ctx, declared(1), owner)
	if err != nil {
		return fmt.Errorf("applying what is not there yet: %w", err)
	}
	again, err := deployments.Apply(ctx, declared(1), owner)
	if err != nil {
		return fmt.Errorf("applying the same again: %w", err)
	}
	if err := same("generation after applying the same", again.Generation, created.Generation); err != nil {
		return err
	}
	addition := appsapply.Deployment("shared", s.namespace).WithLabels(map[string]string{"guest": "yes"}).
		WithSpec(appsapply.DeploymentSpec().WithTemplate(coreapply.PodTemplateSpec().WithSpec(coreapply.PodSpec().
			WithContainers(coreapply.Container().WithName("main").WithEnv(coreapply.EnvVar().WithName("B").WithValue("2")),
				coreapply.Container().WithName("side").WithImage("example.com/side:1")))))
	if _, err := deployments.Apply(ctx, addition, guest); err != nil {
		return fmt.Errorf("adding as a guest: %w", err)
	}
	quarrel := appsapply.Deployment("shared", s.namespace).WithSpec(appsapply.DeploymentSpec().WithReplicas(3))
	_, conflict := deployments.Apply(ctx, quarrel, guest)
	if err := refused("taking a field that another manager owns", conflict, apierrors.IsConflict); err != nil {
		return err
	}
	forced := guest
	forced.Force = true
	if _, err := deployments.Apply(ctx, quarrel, forced); err != nil {
		return fmt.Errorf("taking it by force: %w", err)
	}
	// With that the guest let go of all that it had added, and the owner lost replicas, but nothing else.
	current, err := deployments.Get(ctx, "shared", metav1.GetOptions{})
	if err != nil {
		return err
	}
	containers := current.Spec.Template.Spec.Containers
	if err := same("left of the guest", fmt.Sprint(*current.Spec.Replicas, len(containers), len(containers[0].Env), len(current.Labels)), "3 1 1 0"); err != nil {
		return err
	}
	kept, err := appsapply.ExtractDeployment(current, "owner")
	if err != nil {
		return fmt.Errorf("extracting what the owner owns: %w", err)
	}
	if kept.Spec.Replicas != nil || *kept.Spec.Template.Spec.Containers[0].Image != "example.com/main:1" {
		return fmt.Errorf("the owner still owns replicas, or no longer the image: %v", kept.Spec)
	}
	// Status has fields of its own, and does not count as a change of what was wished.
	status := coreapply.Namespace(s.namespace).WithStatus(coreapply.NamespaceStatus().WithConditions(coreapply.NamespaceCondition().
		WithType("Told").WithStatus(corev1.ConditionTrue).WithReason("Story").WithMessage("by the apply story").WithLastTransitionTime(metav1.Now())))
	namespace, err := s.client.CoreV1().Namespaces().ApplyStatus(ctx, status, owner)
	if err != nil {
		return fmt.Errorf("applying a status: %w", err)
	}
	if err := same("conditions", len(namespace.Status.Conditions), 1); err != nil {
		return err
	}
	return deployments.Delete(ctx, "shared", metav1.DeleteOptions{})
}
