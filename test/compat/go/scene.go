package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

// What a story is given.
type scene struct {
	config    *rest.Config // JSON
	protobuf  *rest.Config // the same server, asked for protobuf
	client    kubernetes.Interface
	namespace string
}

const storyTime = 90 * time.Second

func tellIn(config *rest.Config, told story) error {
	ctx, cancel := context.WithTimeout(context.Background(), storyTime)
	defer cancel()
	config.QPS = -1 // no throttling on our side: the server says when it is too much
	protobuf := rest.CopyConfig(config)
	protobuf.ContentType = runtime.ContentTypeProtobuf
	protobuf.AcceptContentTypes = runtime.ContentTypeProtobuf
	client, err := kubernetes.NewForConfig(protobuf)
	if err != nil {
		return err
	}
	namespaces := client.CoreV1().Namespaces()
	namespace, err := namespaces.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "go-" + told.name + "-"}}, metav1.CreateOptions{})
	if err != nil {
		return fmt.Errorf("creating a namespace: %w", err)
	}
	err = told.tell(ctx, &scene{config: config, protobuf: protobuf, client: client, namespace: namespace.Name})
	return errors.Join(err, namespaces.Delete(ctx, namespace.Name, metav1.DeleteOptions{}))
}

// Asks again until there is nothing to complain about, or half a minute is over: then it fails with the last complaint.
func eventually(ctx context.Context, what string, look func() error) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for {
		complaint := look()
		if complaint == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waited in vain for %s: %w", what, complaint)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func same[T comparable](what string, seen, expected T) error {
	if seen != expected {
		return fmt.Errorf("%s: seen %v, expected %v", what, seen, expected)
	}
	return nil
}

// The error must be of this kind; none at all will not do.
func refused(what string, err error, kind func(error) bool) error {
	if err == nil {
		return fmt.Errorf("%s: was not refused", what)
	}
	if !kind(err) {
		return fmt.Errorf("%s: refused with the wrong reason: %w", what, err)
	}
	return nil
}
