package main

import (
	"context"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/restmapper"
	"k8s.io/client-go/scale"
	"k8s.io/client-go/util/retry"
)

// Clients that know no types: discovery finds the resource of a kind, dynamic and metadata clients read and write it,
// and the scale client finds the scale of whatever has one.
func dynamicClients(ctx context.Context, s *scene) error {
	found, err := discovery.NewDiscoveryClientForConfig(s.config)
	if err != nil {
		return err
	}
	mapper := restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(found))
	mapping, err := mapper.RESTMapping(schema.GroupKind{Group: "apps", Kind: "StatefulSet"})
	if err != nil {
		return fmt.Errorf("finding the resource of StatefulSet: %w", err)
	}
	if err := same("resource of StatefulSet", mapping.Resource.String(), "apps/v1, Resource=statefulsets"); err != nil {
		return err
	}
	client, err := dynamic.NewForConfig(s.config)
	if err != nil {
		return err
	}
	sets := client.Resource(mapping.Resource).Namespace(s.namespace)
	labels := map[string]any{"app": "db"}
	object := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "apps/v1",
		"kind":       "StatefulSet",
		"metadata":   map[string]any{"name": "db"},
		"spec": map[string]any{
			"serviceName": "db",
			"replicas":    int64(1),
			"selector":    map[string]any{"matchLabels": labels},
			"template": map[string]any{
				"metadata": map[string]any{"labels": labels},
				"spec":     map[string]any{"containers": []any{map[string]any{"name": "db", "image": "example.com/db:1"}}},
			},
		},
	}}
	created, err := sets.Create(ctx, object, metav1.CreateOptions{})
	if err != nil {
		return fmt.Errorf("creating a stateful set: %w", err)
	}
	policy, _, _ := unstructured.NestedString(created.Object, "spec", "podManagementPolicy")
	if err := same("default of podManagementPolicy", policy, "OrderedReady"); err != nil {
		return err
	}
	scales, err := scale.NewForConfig(s.config, mapper, dynamic.LegacyAPIPathResolverFunc, scale.NewDiscoveryScaleKindResolver(found))
	if err != nil {
		return err
	}
	if err := retry.RetryOnConflict(retry.DefaultRetry, func() error { // its controller writes the status meanwhile
		wanted, err := scales.Scales(s.namespace).Get(ctx, mapping.Resource.GroupResource(), "db", metav1.GetOptions{})
		if err != nil {
			return err
		}
		wanted.Spec.Replicas = 2
		_, err = scales.Scales(s.namespace).Update(ctx, mapping.Resource.GroupResource(), wanted, metav1.UpdateOptions{})
		return err
	}); err != nil {
		return fmt.Errorf("scaling: %w", err)
	}
	if err := eventually(ctx, "two ready replicas", func() error {
		seen, err := sets.Get(ctx, "db", metav1.GetOptions{})
		if err != nil {
			return err
		}
		ready, _, _ := unstructured.NestedInt64(seen.Object, "status", "readyReplicas")
		return same("readyReplicas", ready, 2)
	}); err != nil {
		return err
	}
	metadataOnly, err := metadata.NewForConfig(s.config)
	if err != nil {
		return err
	}
	partial, err := metadataOnly.Resource(mapping.Resource).Namespace(s.namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return fmt.Errorf("listing metadata: %w", err)
	}
	if err := same("metadata of", fmt.Sprintf("%d %s %d", len(partial.Items), partial.Items[0].Name, partial.Items[0].Generation), "1 db 2"); err != nil {
		return err
	}
	return sets.Delete(ctx, "db", metav1.DeleteOptions{})
}
