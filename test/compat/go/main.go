// Command go-clients tells stories about a cluster with the clients that operators written in Go use: typed clients
// that speak protobuf, dynamic and metadata clients, informers, server-side apply, leader election and a
// controller-runtime manager. It runs against the cluster that KUBECONFIG names, prints a line a story, and exits
// with 1 if one did not go as told.
//
//	go-clients            all stories
//	go-clients apply      the named ones
package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/klog/v2"
)

// A story is told in a namespace of its own, by an error that says what was expected and what was seen instead.
type story struct {
	name string
	tell func(ctx context.Context, s *scene) error
}

var stories = []story{
	{"typed", typedClients},
	{"dynamic", dynamicClients},
	{"informers", informers},
	{"watchlist", watchList},
	{"apply", serverSideApply},
	{"leader", leaderElection},
	{"operator", operator},
}

func main() {
	chosen, err := choose(os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	config, err := clientcmd.BuildConfigFromFlags("", os.Getenv("KUBECONFIG"))
	if err != nil {
		fmt.Fprintln(os.Stderr, "no cluster to talk to:", err)
		os.Exit(2)
	}
	klog.SetLogger(logr.Discard()) // what went wrong is said once, by the story
	failed := false
	for _, s := range chosen {
		started := time.Now()
		err := tellIn(config, s)
		took := time.Since(started).Round(time.Millisecond)
		if err != nil {
			failed = true
			fmt.Printf("FAIL %s (%s): %v\n", s.name, took, err)
		} else {
			fmt.Printf("ok   %s (%s)\n", s.name, took)
		}
	}
	if failed {
		os.Exit(1)
	}
}

func choose(names []string) ([]story, error) {
	if len(names) == 0 {
		return stories, nil
	}
	var chosen []story
	for _, name := range names {
		at := slices.IndexFunc(stories, func(s story) bool { return s.name == name })
		if at < 0 {
			return nil, fmt.Errorf("no story is called %q", name)
		}
		chosen = append(chosen, stories[at])
	}
	return chosen, nil
}
