package main

import (
	"context"
	"fmt"
	"sync"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	kubeinformers "k8s.io/client-go/informers"
	"k8s.io/client-go/tools/cache"
)

// What handlers were told, as text: "add a", "update a", "delete a".
type notes struct {
	mutex sync.Mutex
	lines []string
}

func (n *notes) add(line string) {
	n.mutex.Lock()
	defer n.mutex.Unlock()
	n.lines = append(n.lines, line)
}

func (n *notes) text() string {
	n.mutex.Lock()
	defer n.mutex.Unlock()
	return fmt.Sprint(n.lines)
}

// A shared informer has what was there before it, hears of every change once, and answers from its index.
func informers(ctx context.Context, s *scene) error {
	maps := s.client.CoreV1().ConfigMaps(s.namespace)
	create := func(name, colour string) error {
		_, err := maps.Create(ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"colour": colour}}}, metav1.CreateOptions{})
		return err
	}
	if err := create("before", "red"); err != nil {
		return err
	}
	factory := kubeinformers.NewSharedInformerFactoryWithOptions(s.client, 0,
		kubeinformers.WithNamespace(s.namespace),
		kubeinformers.WithTweakListOptions(func(o *metav1.ListOptions) { o.LabelSelector = "colour" }))
	shared := factory.Core().V1().ConfigMaps()
	informer := shared.Informer()
	if err := informer.AddIndexers(cache.Indexers{"colour": func(object any) ([]string, error) {
		return []string{object.(*corev1.ConfigMap).Labels["colour"]}, nil
	}}); err != nil {
		return err
	}
	heard := &notes{}
	name := func(object any) string {
		if last, missed := object.(cache.DeletedFinalStateUnknown); missed {
			object = last.Obj
		}
		return object.(*corev1.ConfigMap).Name
	}
	if _, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(object any) { heard.add("add " + name(object)) },
		UpdateFunc: func(_, object any) { heard.add("update " + name(object)) },
		DeleteFunc: func(object any) { heard.add("delete " + name(object)) },
	}); err != nil {
		return err
	}
	factory.Start(ctx.Done())
	for kind, synced := range factory.WaitForCacheSync(ctx.Done()) {
		if !synced {
			return fmt.Errorf("the informer of %s did not sync", kind)
		}
	}
	if err := create("after", "blue"); err != nil {
		return err
	}
	before, err := shared.Lister().ConfigMaps(s.namespace).Get("before")
	if err != nil {
		return fmt.Errorf("asking the lister: %w", err)
	}
	changed := before.DeepCopy()
	changed.Data = map[string]string{"changed": "yes"}
	if _, err := maps.Update(ctx, changed, metav1.UpdateOptions{}); err != nil {
		return err
	}
	if err := maps.Delete(ctx, "after", metav1.DeleteOptions{}); err != nil {
		return err
	}
	if err := eventually(ctx, "the last event", func() error {
		return same("events", heard.text(), "[add before add after update before delete after]")
	}); err != nil {
		return err
	}
	red, err := informer.GetIndexer().ByIndex("colour", "red")
	if err != nil {
		return err
	}
	left, err := shared.Lister().List(labels.Everything())
	if err != nil {
		return err
	}
	return same("in the cache", fmt.Sprint(len(red), len(left)), "1 1")
}
