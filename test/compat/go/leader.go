package main

import (
	"context"
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
)

// Two candidates: one leads, and when it steps down the other follows; the lease counts the change.
func leaderElection(ctx context.Context, s *scene) error {
	heard := &notes{}
	candidate := func(ctx context.Context, name string) {
		lock := &resourcelock.LeaseLock{
			LeaseMeta:  metav1.ObjectMeta{Name: "throne", Namespace: s.namespace},
			Client:     s.client.CoordinationV1(),
			LockConfig: resourcelock.ResourceLockConfig{Identity: name},
		}
		leaderelection.RunOrDie(ctx, leaderelection.LeaderElectionConfig{
			Lock:            lock,
			ReleaseOnCancel: true,
			LeaseDuration:   3 * time.Second,
			RenewDeadline:   2 * time.Second,
			RetryPeriod:     200 * time.Millisecond,
			Callbacks: leaderelection.LeaderCallbacks{
				OnStartedLeading: func(context.Context) { heard.add(name + " leads") },
				OnStoppedLeading: func() { heard.add(name + " stopped") },
			},
		})
	}
	first, stepDown := context.WithCancel(ctx)
	defer stepDown()
	second, stop := context.WithCancel(ctx)
	defer stop()
	go candidate(first, "first")
	if err := eventually(ctx, "a leader", func() error { return same("events", heard.text(), "[first leads]") }); err != nil {
		return err
	}
	go candidate(second, "second")
	time.Sleep(500 * time.Millisecond) // some rounds in which the second asks in vain
	if err := same("events with two candidates", heard.text(), "[first leads]"); err != nil {
		return err
	}
	stepDown()
	// The first lets go of the lease a moment before it says that it stopped, so the second may be heard in between.
	if err := eventually(ctx, "the next leader", func() error {
		seen := heard.text()
		if seen == "[first leads second leads first stopped]" {
			return nil
		}
		return same("events", seen, "[first leads first stopped second leads]")
	}); err != nil {
		return err
	}
	lease, err := s.client.CoordinationV1().Leases(s.namespace).Get(ctx, "throne", metav1.GetOptions{})
	if err != nil {
		return err
	}
	return same("lease", fmt.Sprint(*lease.Spec.HolderIdentity, " ", *lease.Spec.LeaseTransitions > 0), "second true")
}
