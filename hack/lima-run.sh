#!/bin/sh
# Starts the components on the Lima VMs as services: etcd, API server, controllers and scheduler on the master, a
# kubelet and a proxy on each worker. Run again, it starts them anew with the sources as committed (git HEAD).
# Pods of one worker do not reach those of the other: their networks end at their VM.
set -eu
here=$(CDPATH= cd -- "$(dirname -- "$0")/.." && pwd)
code=/opt/gokube
data=/var/lib/gokube

vm() { # vm NAME COMMAND...: as root, in that VM
  name=$1
  shift
  limactl shell --workdir / "gokube-$name" sudo "$@"
}

address() { # the address by which the VMs reach each other
  vm "$1" sh -c "ip -4 route get 1.1.1.1 | sed -n 's/.* src \([0-9.]*\).*/\1/p'"
}

service() { # service VM NAME COMMAND...
  on=$1
  unit=gokube-$2
  shift 2
  vm "$on" sh -c "systemctl stop $unit 2>/dev/null; systemctl reset-failed $unit 2>/dev/null; true"
  vm "$on" systemd-run --quiet --unit "$unit" --property Restart=on-failure --working-directory "$code" "$@"
}

for name in master worker1 worker2; do
  # Dependencies are installed in the VM: those on the host are the host's.
  vm "$name" mkdir -p "$code" "$data"
  git -C "$here" archive HEAD | vm "$name" tar -x -C "$code"
  vm "$name" npm --prefix "$code" ci --omit=dev --no-audit --no-fund --loglevel=error
done

master=$(address master)
nodes=worker1=$(address worker1),worker2=$(address worker2)
component=$code/bin/gokube-component

vm master sh -c 'systemctl disable --now etcd 2>/dev/null; true' # Debian's own
service master etcd etcd --data-dir "$data/etcd" --listen-client-urls http://127.0.0.1:2379 --advertise-client-urls http://127.0.0.1:2379
vm master rm -f "$data/admin.kubeconfig"
service master apiserver "$component" apiserver --store etcd:http://127.0.0.1:2379 --data-dir "$data" --host 0.0.0.0 --advertise-address "$master" --nodes "$nodes"
tries=0
until vm master test -s "$data/admin.kubeconfig"; do
  tries=$((tries + 1))
  [ "$tries" -lt 60 ] || { echo "lima-run: the API server does not answer: make shell/master, journalctl -u gokube-apiserver" >&2; exit 1; }
  sleep 1
done
service master controller "$component" controller --kubeconfig "$data/controller.kubeconfig"
service master scheduler "$component" scheduler --kubeconfig "$data/scheduler.kubeconfig"

for name in worker1 worker2; do
  files="kubelet-$name.kubeconfig proxy.kubeconfig pki/kubelet-server-$name.crt pki/kubelet-server-$name.key"
  # shellcheck disable=SC2086 # a list of files
  vm master tar -c -C "$data" $files | vm "$name" tar -x -C "$data"
  service "$name" kubelet "$component" kubelet --kubeconfig "$data/kubelet-$name.kubeconfig" --node "$name" --data-dir "$data" --address "$(address "$name")"
  service "$name" proxy "$component" proxy --kubeconfig "$data/proxy.kubeconfig" --node "$name" --data-dir "$data"
done

mkdir -p "$here/.cache"
(umask 077 && vm master cat "$data/admin.kubeconfig" >"$here/.cache/lima.kubeconfig")
echo "the components are running; on a machine that reaches $master: kubectl --kubeconfig .cache/lima.kubeconfig get nodes"
