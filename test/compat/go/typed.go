package main

import (
	"context"
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	authenticationv1 "k8s.io/api/authentication/v1"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/util/retry"
	"k8s.io/utils/ptr"
)

// Typed clients in protobuf: a deployment's life, pages, patches, watches, subresources, and the reasons of refusals.
func typedClients(ctx context.Context, s *scene) error {
	for _, tell := range []func(context.Context, *scene) error{deploymentLife, pages, patches, watches, refusals, furniture} {
		if err := tell(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

func webDeployment(replicas int32) *appsv1.Deployment {
	labels := map[string]string{"app": "web"}
	return &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: "web", Labels: labels},
		Spec: appsv1.DeploymentSpec{
			Replicas: ptr.To(replicas),
			Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels},
				Spec: corev1.PodSpec{Containers: []corev1.Container{{
					Name:  "web",
					Image: "example.com/web:1",
					Ports: []corev1.ContainerPort{{ContainerPort: 8080}},
					Resources: corev1.ResourceRequirements{
						Requests: corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("16Mi")},
					},
				}}},
			},
		},
	}
}

func deploymentLife(ctx context.Context, s *scene) error {
	deployments := s.client.AppsV1().Deployments(s.namespace)
	pods := s.client.CoreV1().Pods(s.namespace)
	created, err := deployments.Create(ctx, webDeployment(2), metav1.CreateOptions{})
	if err != nil {
		return fmt.Errorf("creating a deployment: %w", err)
	}
	if err := same("default of the strategy", created.Spec.Strategy.RollingUpdate.MaxSurge.String(), "25%"); err != nil {
		return err
	}
	available := func(replicas int32) error {
		return eventually(ctx, "available replicas", func() error {
			seen, err := deployments.Get(ctx, "web", metav1.GetOptions{})
			if err != nil {
				return err
			}
			return same("availableReplicas", seen.Status.AvailableReplicas, replicas)
		})
	}
	if err := available(2); err != nil {
		return err
	}
	if err := retry.RetryOnConflict(retry.DefaultRetry, func() error {
		scale, err := deployments.GetScale(ctx, "web", metav1.GetOptions{})
		if err != nil {
			return err
		}
		if err := same("selector of the scale", scale.Status.Selector, "app=web"); err != nil {
			return err
		}
		scale.Spec = autoscalingv1.ScaleSpec{Replicas: 3}
		_, err = deployments.UpdateScale(ctx, "web", scale, metav1.UpdateOptions{})
		return err
	}); err != nil {
		return fmt.Errorf("scaling: %w", err)
	}
	if err := available(3); err != nil {
		return err
	}
	list, err := pods.List(ctx, metav1.ListOptions{LabelSelector: "app=web", FieldSelector: "status.phase=Running"})
	if err != nil {
		return fmt.Errorf("listing pods: %w", err)
	}
	if err := same("running pods", len(list.Items), 3); err != nil {
		return err
	}
	eviction := &policyv1.Eviction{ObjectMeta: metav1.ObjectMeta{Name: list.Items[0].Name}}
	if err := pods.EvictV1(ctx, eviction); err != nil {
		return fmt.Errorf("evicting a pod: %w", err)
	}
	if err := eventually(ctx, "the evicted pod's end", func() error {
		_, gone := pods.Get(ctx, list.Items[0].Name, metav1.GetOptions{})
		return refused("reading the evicted pod", gone, apierrors.IsNotFound)
	}); err != nil {
		return err
	}
	if err := available(3); err != nil {
		return err
	}
	if err := deployments.Delete(ctx, "web", metav1.DeleteOptions{PropagationPolicy: ptr.To(metav1.DeletePropagationForeground)}); err != nil {
		return fmt.Errorf("deleting the deployment: %w", err)
	}
	return eventually(ctx, "the deployment's end, after that of its pods", func() error {
		_, gone := deployments.Get(ctx, "web", metav1.GetOptions{})
		if !apierrors.IsNotFound(gone) {
			return fmt.Errorf("the deployment is still there: %v", gone)
		}
		left, err := s.client.AppsV1().ReplicaSets(s.namespace).List(ctx, metav1.ListOptions{})
		if err != nil {
			return err
		}
		return same("replica sets that outlived it", len(left.Items), 0)
	})
}

func pages(ctx context.Context, s *scene) error {
	maps := s.client.CoreV1().ConfigMaps(s.namespace)
	for i := range 7 {
		object := &corev1.ConfigMap{
			ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("page-%d", i), Labels: map[string]string{"paged": "yes"}},
			BinaryData: map[string][]byte{"bytes": {0, 255, byte(i)}},
		}
		if _, err := maps.Create(ctx, object, metav1.CreateOptions{}); err != nil {
			return fmt.Errorf("creating a config map: %w", err)
		}
	}
	options := metav1.ListOptions{LabelSelector: "paged", Limit: 3}
	var names []string
	var revision string
	for {
		page, err := maps.List(ctx, options)
		if err != nil {
			return fmt.Errorf("reading a page: %w", err)
		}
		if revision == "" {
			revision = page.ResourceVersion
		}
		if err := same("revision of a page", page.ResourceVersion, revision); err != nil {
			return err
		}
		for i := range page.Items {
			names = append(names, page.Items[i].Name)
			if err := same("bytes", page.Items[i].BinaryData["bytes"][1], 255); err != nil {
				return err
			}
		}
		if page.Continue == "" {
			break
		}
		options.Continue = page.Continue
	}
	if err := same("names", fmt.Sprint(names), "[page-0 page-1 page-2 page-3 page-4 page-5 page-6]"); err != nil {
		return err
	}
	if err := maps.DeleteCollection(ctx, metav1.DeleteOptions{}, metav1.ListOptions{LabelSelector: "paged"}); err != nil {
		return fmt.Errorf("deleting the collection: %w", err)
	}
	left, err := maps.List(ctx, metav1.ListOptions{LabelSelector: "paged"})
	if err != nil {
		return err
	}
	return same("config maps left", len(left.Items), 0)
}

func patches(ctx context.Context, s *scene) error {
	services := s.client.CoreV1().Services(s.namespace)
	_, err := services.Create(ctx, &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Name: "web"},
		Spec: corev1.ServiceSpec{
			Selector: map[string]string{"app": "web"},
			Ports:    []corev1.ServicePort{{Name: "http", Port: 80, TargetPort: intstr.FromString("http")}},
		},
	}, metav1.CreateOptions{})
	if err != nil {
		return fmt.Errorf("creating a service: %w", err)
	}
	type change struct {
		kind types.PatchType
		body string
	}
	var patched *corev1.Service
	for _, c := range []change{
		{types.StrategicMergePatchType, `{"spec":{"ports":[{"port":443,"name":"https"}]}}`},
		{types.MergePatchType, `{"metadata":{"labels":{"merged":"yes"}}}`},
		{types.JSONPatchType, `[{"op":"test","path":"/spec/ports/1/port","value":80},{"op":"remove","path":"/spec/ports/1"}]`},
	} {
		if patched, err = services.Patch(ctx, "web", c.kind, []byte(c.body), metav1.PatchOptions{FieldManager: "patcher"}); err != nil {
			return fmt.Errorf("patching with %s: %w", c.kind, err)
		}
	}
	if err := same("label", patched.Labels["merged"], "yes"); err != nil {
		return err
	}
	if err := same("ports", fmt.Sprint(len(patched.Spec.Ports), patched.Spec.Ports[0].Port), "1 443"); err != nil {
		return err
	}
	// Many writers of one object: each tries again after a conflict, and none of their writes is lost.
	maps := s.client.CoreV1().ConfigMaps(s.namespace)
	if _, err := maps.Create(ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "shared"}}, metav1.CreateOptions{}); err != nil {
		return err
	}
	const writers = 8
	done := make(chan error, writers)
	patient := retry.DefaultBackoff
	patient.Steps = 20
	for writer := range writers {
		go func() {
			done <- retry.RetryOnConflict(patient, func() error {
				current, err := maps.Get(ctx, "shared", metav1.GetOptions{})
				if err != nil {
					return err
				}
				if current.Data == nil {
					current.Data = map[string]string{}
				}
				current.Data[fmt.Sprint("writer-", writer)] = "was here"
				_, err = maps.Update(ctx, current, metav1.UpdateOptions{})
				return err
			})
		}()
	}
	for range writers {
		if err := <-done; err != nil {
			return fmt.Errorf("a writer among many: %w", err)
		}
	}
	shared, err := maps.Get(ctx, "shared", metav1.GetOptions{})
	if err != nil {
		return err
	}
	return same("writes that lasted", len(shared.Data), writers)
}

func watches(ctx context.Context, s *scene) error {
	secrets := s.client.CoreV1().Secrets(s.namespace)
	list, err := secrets.List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	watcher, err := secrets.Watch(ctx, metav1.ListOptions{ResourceVersion: list.ResourceVersion, LabelSelector: "watched=yes"})
	if err != nil {
		return fmt.Errorf("watching secrets: %w", err)
	}
	defer watcher.Stop()
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "watched", Labels: map[string]string{"watched": "yes"}}, StringData: map[string]string{"k": "v"}}
	if _, err := secrets.Create(ctx, secret, metav1.CreateOptions{}); err != nil {
		return fmt.Errorf("creating a secret: %w", err)
	}
	for _, body := range []string{`{"data":{"k":"dw=="}}`, `{"metadata":{"labels":{"watched":"no"}}}`} {
		if _, err := secrets.Patch(ctx, "watched", types.MergePatchType, []byte(body), metav1.PatchOptions{}); err != nil {
			return fmt.Errorf("patching a secret: %w", err)
		}
	}
	for _, expected := range []watch.EventType{watch.Added, watch.Modified, watch.Deleted} {
		select {
		case event := <-watcher.ResultChan():
			if err := same("event of a watch", event.Type, expected); err != nil {
				return err
			}
			if _, typed := event.Object.(*corev1.Secret); !typed {
				return fmt.Errorf("a watch of secrets brought a %T", event.Object)
			}
		case <-time.After(10 * time.Second):
			return fmt.Errorf("no %s event came", expected)
		}
	}
	return nil
}

func refusals(ctx context.Context, s *scene) error {
	pods := s.client.CoreV1().Pods(s.namespace)
	_, missing := pods.Get(ctx, "nobody", metav1.GetOptions{})
	if err := refused("reading a pod that is not there", missing, apierrors.IsNotFound); err != nil {
		return err
	}
	_, invalid := pods.Create(ctx, &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "No Name"}}, metav1.CreateOptions{})
	if err := refused("creating an invalid pod", invalid, apierrors.IsInvalid); err != nil {
		return err
	}
	status := invalid.(apierrors.APIStatus).Status()
	if len(status.Details.Causes) < 2 {
		return fmt.Errorf("a pod without containers and with a bad name has two causes at least, seen %v", status.Details.Causes)
	}
	maps := s.client.CoreV1().ConfigMaps(s.namespace)
	first, err := maps.Create(ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "twice"}}, metav1.CreateOptions{})
	if err != nil {
		return err
	}
	_, twice := maps.Create(ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "twice"}}, metav1.CreateOptions{})
	if err := refused("creating twice", twice, apierrors.IsAlreadyExists); err != nil {
		return err
	}
	first.Labels = map[string]string{"a": "b"}
	if _, err := maps.Update(ctx, first, metav1.UpdateOptions{}); err != nil {
		return err
	}
	_, stale := maps.Update(ctx, first, metav1.UpdateOptions{})
	if err := refused("updating an old object", stale, apierrors.IsConflict); err != nil {
		return err
	}
	_, expired := maps.List(ctx, metav1.ListOptions{Continue: "nonsense", Limit: 1})
	if err := refused("a continue token of our own making", expired, apierrors.IsBadRequest); err != nil {
		return err
	}
	wrong := maps.Delete(ctx, "twice", metav1.DeleteOptions{Preconditions: metav1.NewUIDPreconditions("not-its-uid")})
	return refused("deleting another object of that name", wrong, apierrors.IsConflict)
}

// What a namespace brings along, tokens, and events.
func furniture(ctx context.Context, s *scene) error {
	accounts := s.client.CoreV1().ServiceAccounts(s.namespace)
	if err := eventually(ctx, "the default service account", func() error {
		_, err := accounts.Get(ctx, "default", metav1.GetOptions{})
		return err
	}); err != nil {
		return err
	}
	token, err := accounts.CreateToken(ctx, "default", &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{ExpirationSeconds: ptr.To[int64](600)}}, metav1.CreateOptions{})
	if err != nil {
		return fmt.Errorf("requesting a token: %w", err)
	}
	review, err := s.client.AuthenticationV1().TokenReviews().Create(ctx, &authenticationv1.TokenReview{Spec: authenticationv1.TokenReviewSpec{Token: token.Status.Token}}, metav1.CreateOptions{})
	if err != nil {
		return fmt.Errorf("reviewing the token: %w", err)
	}
	if err := same("user of the token", review.Status.User.Username, "system:serviceaccount:"+s.namespace+":default"); err != nil {
		return err
	}
	event := &eventsv1.Event{
		ObjectMeta:          metav1.ObjectMeta{Name: "told"},
		EventTime:           metav1.NowMicro(),
		ReportingController: "compat.gokube.dev/stories",
		ReportingInstance:   "one",
		Action:              "Telling",
		Reason:              "Told",
		Type:                corev1.EventTypeNormal,
		Regarding:           corev1.ObjectReference{Kind: "ConfigMap", APIVersion: "v1", Name: "twice", Namespace: s.namespace},
		Note:                "a story was told",
	}
	if _, err := s.client.EventsV1().Events(s.namespace).Create(ctx, event, metav1.CreateOptions{}); err != nil {
		return fmt.Errorf("creating an event: %w", err)
	}
	core, err := s.client.CoreV1().Events(s.namespace).Get(ctx, "told", metav1.GetOptions{})
	if err != nil {
		return fmt.Errorf("reading the event as the core group has it: %w", err)
	}
	return same("message of the event", core.Message, event.Note)
}
