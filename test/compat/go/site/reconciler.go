package site

import (
	"context"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
)

// Finalizer keeps a Site until its farewell is said.
const Finalizer = "compat.gokube.dev/farewell"

// Reconciler makes a Site's ConfigMap and Deployment, says in its status how far they are, and before its end leaves
// a ConfigMap NAME-farewell, which nobody owns.
type Reconciler struct {
	client.Client
}

func (r *Reconciler) SetupWithManager(manager ctrl.Manager) error {
	return ctrl.NewControllerManagedBy(manager).For(&Site{}).Owns(&corev1.ConfigMap{}).Owns(&appsv1.Deployment{}).Complete(r)
}

func (r *Reconciler) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	site := &Site{}
	if err := r.Get(ctx, request.NamespacedName, site); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	if !site.DeletionTimestamp.IsZero() {
		return ctrl.Result{}, r.sayFarewell(ctx, site)
	}
	if controllerutil.AddFinalizer(site, Finalizer) {
		return ctrl.Result{}, r.Update(ctx, site) // its event brings us back here
	}
	text := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: site.Name, Namespace: site.Namespace}}
	if _, err := controllerutil.CreateOrUpdate(ctx, r.Client, text, func() error {
		text.Data = map[string]string{"text": site.Spec.Text}
		return controllerutil.SetControllerReference(site, text, r.Scheme())
	}); err != nil {
		return ctrl.Result{}, err
	}
	deployment := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Name: site.Name, Namespace: site.Namespace}}
	if _, err := controllerutil.CreateOrUpdate(ctx, r.Client, deployment, func() error {
		labels := map[string]string{"site": site.Name}
		deployment.Spec.Replicas = site.Spec.Replicas
		deployment.Spec.Selector = &metav1.LabelSelector{MatchLabels: labels}
		deployment.Spec.Template.Labels = labels
		if len(deployment.Spec.Template.Spec.Containers) == 0 {
			deployment.Spec.Template.Spec.Containers = []corev1.Container{{Name: "site", Image: "example.com/site:1"}}
		}
		return controllerutil.SetControllerReference(site, deployment, r.Scheme())
	}); err != nil {
		return ctrl.Result{}, err
	}
	return ctrl.Result{}, r.report(ctx, site, deployment)
}

func (r *Reconciler) report(ctx context.Context, site *Site, deployment *appsv1.Deployment) error {
	before := site.DeepCopy()
	site.Status.ObservedGeneration = site.Generation
	site.Status.Replicas = deployment.Status.AvailableReplicas
	ready := metav1.Condition{Type: "Ready", Status: metav1.ConditionFalse, Reason: "Starting", ObservedGeneration: site.Generation}
	if deployment.Status.ObservedGeneration == deployment.Generation && site.Status.Replicas == *site.Spec.Replicas {
		ready.Status, ready.Reason = metav1.ConditionTrue, "Shown"
	}
	meta.SetStatusCondition(&site.Status.Conditions, ready)
	return r.Status().Patch(ctx, site, client.MergeFrom(before))
}

func (r *Reconciler) sayFarewell(ctx context.Context, site *Site) error {
	if !controllerutil.ContainsFinalizer(site, Finalizer) {
		return nil
	}
	farewell := &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Name: site.Name + "-farewell", Namespace: site.Namespace},
		Data:       map[string]string{"text": site.Spec.Text},
	}
	if err := r.Create(ctx, farewell); client.IgnoreAlreadyExists(err) != nil {
		return err
	}
	controllerutil.RemoveFinalizer(site, Finalizer)
	return r.Update(ctx, site)
}
