package main

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/utils/ptr"
)

// A watch that begins with all that is there: the objects, then a bookmark that says that these were all, then changes.
func watchList(ctx context.Context, s *scene) error {
	maps := s.client.CoreV1().ConfigMaps(s.namespace)
	create := func(name string) error {
		_, err := maps.Create(ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"listed": "yes"}}}, metav1.CreateOptions{})
		return err
	}
	for _, name := range []string{"a", "b"} {
		if err := create(name); err != nil {
			return err
		}
	}
	watcher, err := maps.Watch(ctx, metav1.ListOptions{
		LabelSelector:        "listed",
		SendInitialEvents:    ptr.To(true),
		AllowWatchBookmarks:  true,
		ResourceVersionMatch: metav1.ResourceVersionMatchNotOlderThan,
	})
	if err != nil {
		return fmt.Errorf("watching: %w", err)
	}
	defer watcher.Stop()
	next := func() (watch.Event, error) {
		select {
		case event, open := <-watcher.ResultChan():
			if !open {
				return event, fmt.Errorf("the watch ended")
			}
			return event, nil
		case <-time.After(10 * time.Second):
			return watch.Event{}, fmt.Errorf("no event came")
		}
	}
	seen := map[string]bool{}
	for {
		event, err := next()
		if err != nil {
			return err
		}
		object := event.Object.(*corev1.ConfigMap)
		if event.Type == watch.Added {
			seen[object.Name] = true
			continue
		}
		if err := same("event after the first ones", event.Type, watch.Bookmark); err != nil {
			return err
		}
		if err := same("annotation of the bookmark", object.Annotations[metav1.InitialEventsAnnotationKey], "true"); err != nil {
			return err
		}
		break
	}
	if err := same("objects before the bookmark", fmt.Sprint(seen), "map[a:true b:true]"); err != nil {
		return err
	}
	if err := create("c"); err != nil {
		return err
	}
	event, err := next()
	if err != nil {
		return err
	}
	return same("change", fmt.Sprint(event.Type, " ", event.Object.(*corev1.ConfigMap).Name), "ADDED c")
}
