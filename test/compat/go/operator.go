package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/go-logr/logr"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apiextensions "k8s.io/apiextensions-apiserver/pkg/client/clientset/clientset"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/utils/ptr"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"gokube.dev/compat/go/site"
)

// A controller-runtime operator from its definition to its end.
func operator(ctx context.Context, s *scene) (err error) {
	extensions, err := apiextensions.NewForConfig(s.protobuf)
	if err != nil {
		return err
	}
	if err := define(ctx, extensions); err != nil {
		return err
	}
	defer func() {
		err = errors.Join(err, undefine(ctx, extensions))
	}()
	known := runtime.NewScheme()
	if err := errors.Join(scheme.AddToScheme(known), site.AddToScheme(known)); err != nil {
		return err
	}
	ctrl.SetLogger(logr.Discard())
	running, err := ctrl.NewManager(s.config, manager.Options{
		Scheme:                        known,
		Metrics:                       metricsserver.Options{BindAddress: "0"},
		Cache:                         cache.Options{DefaultNamespaces: map[string]cache.Config{s.namespace: {}}},
		LeaderElection:                true,
		LeaderElectionID:              "site-operator",
		LeaderElectionNamespace:       s.namespace,
		LeaderElectionReleaseOnCancel: true,
	})
	if err != nil {
		return fmt.Errorf("making a manager: %w", err)
	}
	if err := (&site.Reconciler{Client: running.GetClient()}).SetupWithManager(running); err != nil {
		return fmt.Errorf("setting up the reconciler: %w", err)
	}
	managing, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- running.Start(managing) }()
	defer func() {
		stop()
		err = errors.Join(err, <-ended)
	}()
	direct, err := client.New(s.config, client.Options{Scheme: known})
	if err != nil {
		return err
	}
	return siteLife(ctx, direct, s.namespace)
}

func define(ctx context.Context, extensions apiextensions.Interface) error {
	definitions := extensions.ApiextensionsV1().CustomResourceDefinitions()
	if _, err := definitions.Create(ctx, site.Definition(), metav1.CreateOptions{}); client.IgnoreAlreadyExists(err) != nil {
		return fmt.Errorf("creating the definition: %w", err)
	}
	return eventually(ctx, "the definition to be established", func() error {
		seen, err := definitions.Get(ctx, site.Definition().Name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		for _, condition := range seen.Status.Conditions {
			if condition.Type == apiextensionsv1.Established && condition.Status == apiextensionsv1.ConditionTrue {
				return nil
			}
		}
		return fmt.Errorf("conditions are %v", seen.Status.Conditions)
	})
}

func undefine(ctx context.Context, extensions apiextensions.Interface) error {
	definitions := extensions.ApiextensionsV1().CustomResourceDefinitions()
	name := site.Definition().Name
	if err := definitions.Delete(ctx, name, metav1.DeleteOptions{}); err != nil {
		return fmt.Errorf("deleting the definition: %w", err)
	}
	return eventually(ctx, "the definition's end", func() error {
		_, gone := definitions.Get(ctx, name, metav1.GetOptions{})
		return refused("reading the definition", gone, apierrors.IsNotFound)
	})
}

func siteLife(ctx context.Context, c client.Client, namespace string) error {
	key := client.ObjectKey{Namespace: namespace, Name: "home"}
	bad := &site.Site{ObjectMeta: metav1.ObjectMeta{Name: "bad", Namespace: namespace}, Spec: site.Spec{Text: "x", Replicas: ptr.To[int32](6)}}
	if err := refused("six replicas", c.Create(ctx, bad), apierrors.IsInvalid); err != nil {
		return err
	}
	home := &site.Site{ObjectMeta: metav1.ObjectMeta{Name: key.Name, Namespace: namespace}, Spec: site.Spec{Text: "hello"}}
	if err := c.Create(ctx, home); err != nil {
		return fmt.Errorf("creating a site: %w", err)
	}
	if home.Spec.Replicas == nil || *home.Spec.Replicas != 1 {
		return fmt.Errorf("the schema's default of replicas is missing: %v", home.Spec)
	}
	ready := func(replicas int32) error {
		return eventually(ctx, "the site to be ready", func() error {
			if err := c.Get(ctx, key, home); err != nil {
				return err
			}
			if !meta.IsStatusConditionTrue(home.Status.Conditions, "Ready") || home.Status.ObservedGeneration != home.Generation {
				return fmt.Errorf("generation %d, status %+v", home.Generation, home.Status)
			}
			return same("replicas", home.Status.Replicas, replicas)
		})
	}
	if err := ready(1); err != nil {
		return err
	}
	generation := home.Generation
	home.Status.Replicas = 99
	if err := c.Update(ctx, home); err != nil {
		return fmt.Errorf("updating a site: %w", err)
	}
	if err := same("generation and status after an update that changes the status alone", fmt.Sprint(home.Generation, home.Status.Replicas), fmt.Sprint(generation, 1)); err != nil {
		return err
	}
	if err := c.SubResource("scale").Patch(ctx, home, client.RawPatch("application/merge-patch+json", []byte(`{"spec":{"replicas":3}}`))); err != nil {
		return fmt.Errorf("scaling the site: %w", err)
	}
	if err := ready(3); err != nil {
		return err
	}
	text := &corev1.ConfigMap{}
	if err := c.Get(ctx, key, text); err != nil {
		return err
	}
	if !metav1.IsControlledBy(text, home) {
		return fmt.Errorf("the config map is not the site's: %v", text.OwnerReferences)
	}
	if err := c.Delete(ctx, text); err != nil {
		return err
	}
	if err := eventually(ctx, "what was deleted to be made again", func() error {
		again := &corev1.ConfigMap{}
		if err := c.Get(ctx, key, again); err != nil {
			return err
		}
		if again.UID == text.UID {
			return fmt.Errorf("it is the old one still")
		}
		return same("text", again.Data["text"], "hello")
	}); err != nil {
		return err
	}
	if err := c.Delete(ctx, home); err != nil {
		return fmt.Errorf("deleting the site: %w", err)
	}
	return eventually(ctx, "the site's end, a farewell, and that of all it owned", func() error {
		if err := refused("reading the site", c.Get(ctx, key, home), apierrors.IsNotFound); err != nil {
			return err
		}
		if err := refused("reading its config map", c.Get(ctx, key, text), apierrors.IsNotFound); err != nil {
			return err
		}
		if err := refused("reading its deployment", c.Get(ctx, key, &appsv1.Deployment{}), apierrors.IsNotFound); err != nil {
			return err
		}
		return c.Get(ctx, client.ObjectKey{Namespace: namespace, Name: "home-farewell"}, &corev1.ConfigMap{})
	})
}
