"""Kubernetes' Python client, which knows nothing of this project, at work in a namespace of its own.

Each step prints `ok NAME` or `FAIL NAME` with the reason; the kubeconfig is that of the environment.
"""

import json
import sys
import time
import traceback

from kubernetes import client, config, dynamic, utils, watch
from kubernetes.client.rest import ApiException
from kubernetes.stream import stream

NAMESPACE = "python"
config.load_kube_config()
core = client.CoreV1Api()
apps = client.AppsV1Api()
failures = 0


def step(story):
    """Runs a story at once."""
    global failures
    try:
        story()
        print("ok", story.__name__)
    except Exception:  # noqa: BLE001  any failure is what this is looking for
        failures += 1
        print("FAIL", story.__name__)
        traceback.print_exc(file=sys.stdout)


def refused(status, reason, attempt):
    """The attempt is refused with this status and reason; gives the Status."""
    try:
        attempt()
    except ApiException as error:
        answer = json.loads(error.body)
        assert (error.status, answer["reason"]) == (status, reason), error
        return answer
    raise AssertionError(f"expected {status} {reason}")


def container(**more):
    return {"name": "c", "image": "busybox", "command": ["sleep", "3600"], **more}


core.create_namespace({"metadata": {"name": NAMESPACE}})


@step
def objects_are_created_changed_and_deleted():
    made = core.create_namespaced_config_map(
        NAMESPACE, client.V1ConfigMap(metadata=client.V1ObjectMeta(name="a"), data={"a": "1"})
    )
    made.data["b"] = "2"
    core.replace_namespaced_config_map("a", NAMESPACE, made)
    refused(409, "Conflict", lambda: core.replace_namespaced_config_map("a", NAMESPACE, made))
    core.patch_namespaced_config_map("a", NAMESPACE, {"data": {"c": "3"}})
    core.patch_namespaced_config_map("a", NAMESPACE, [{"op": "add", "path": "/data/d", "value": "4"}])
    core.patch_namespaced_config_map(
        "a", NAMESPACE, {"data": {"c": None}}, _content_type="application/merge-patch+json"
    )
    applied = core.patch_namespaced_config_map(
        "a",
        NAMESPACE,
        {"apiVersion": "v1", "kind": "ConfigMap", "data": {"z": "1"}},
        _content_type="application/apply-patch+yaml",
        field_manager="python",
        force=True,
    )
    assert applied.data == {"a": "1", "b": "2", "d": "4", "z": "1"}, applied.data
    core.delete_namespaced_config_map("a", NAMESPACE)
    refused(404, "NotFound", lambda: core.read_namespaced_config_map("a", NAMESPACE))


@step
def refusals_have_status_and_reason():
    pod = {"metadata": {"name": "X_"}, "spec": {"containers": []}}
    causes = refused(422, "Invalid", lambda: core.create_namespaced_pod(NAMESPACE, pod))["details"]["causes"]
    assert {cause["field"] for cause in causes} >= {"metadata.name", "spec.containers"}, causes
    good = {"metadata": {"name": "x"}, "spec": {"containers": [container()]}}
    refused(404, "NotFound", lambda: core.create_namespaced_pod("no-such-namespace", good))
    refused(409, "AlreadyExists", lambda: core.create_namespace({"metadata": {"name": NAMESPACE}}))


@step
def a_deployment_is_followed_until_it_is_ready():
    labels = {"app": "web"}
    template = {"metadata": {"labels": labels}, "spec": {"terminationGracePeriodSeconds": 0, "containers": [container()]}}
    spec = {"replicas": 1, "selector": {"matchLabels": labels}, "template": template}
    apps.create_namespaced_deployment(NAMESPACE, {"metadata": {"name": "web"}, "spec": spec})
    apps.patch_namespaced_deployment_scale("web", NAMESPACE, {"spec": {"replicas": 2}})
    follow = watch.Watch()
    for event in follow.stream(apps.list_namespaced_deployment, NAMESPACE, timeout_seconds=30):
        if event["object"].status.ready_replicas == 2:
            follow.stop()
    assert apps.read_namespaced_deployment_scale("web", NAMESPACE).status.replicas == 2
    # A strategic merge: the container of that name gets a variable, and keeps its image.
    variable = {"spec": {"template": {"spec": {"containers": [{"name": "c", "env": [{"name": "A", "value": "1"}]}]}}}}
    patched = apps.patch_namespaced_deployment("web", NAMESPACE, variable)
    assert patched.spec.template.spec.containers[0].image == "busybox"


@step
def a_watch_goes_on_from_a_revision_and_ends_in_time():
    revision = core.list_namespaced_config_map(NAMESPACE).metadata.resource_version
    core.create_namespaced_config_map(NAMESPACE, {"metadata": {"name": "w"}})
    core.patch_namespaced_config_map("w", NAMESPACE, {"data": {"x": "y"}})
    core.delete_namespaced_config_map("w", NAMESPACE)
    begun = time.monotonic()
    events = watch.Watch().stream(
        core.list_namespaced_config_map, NAMESPACE, resource_version=revision, timeout_seconds=1
    )
    assert [event["type"] for event in events] == ["ADDED", "MODIFIED", "DELETED"]
    assert time.monotonic() - begun < 20


@step
def lists_come_in_pages():
    for number in range(5):
        core.create_namespaced_config_map(NAMESPACE, {"metadata": {"name": f"p{number}", "labels": {"p": "q"}}})
    names, token = [], None
    while True:
        page = core.list_namespaced_config_map(NAMESPACE, limit=2, _continue=token, label_selector="p in (q)")
        names += [item.metadata.name for item in page.items]
        token = page.metadata._continue
        if not token:
            break
    assert names == ["p0", "p1", "p2", "p3", "p4"], names
    core.delete_collection_namespaced_config_map(NAMESPACE, label_selector="p=q")
    assert core.list_namespaced_config_map(NAMESPACE, label_selector="p=q").items == []


@step
def the_dynamic_client_discovers_and_applies():
    dynamic_client = dynamic.DynamicClient(client.ApiClient())
    services = dynamic_client.resources.get(api_version="v1", kind="Service")
    made = services.create(body={"metadata": {"name": "s"}, "spec": {"ports": [{"port": 80}]}}, namespace=NAMESPACE)
    assert made.spec.clusterIP
    maps = dynamic_client.resources.get(api_version="v1", kind="ConfigMap")

    def apply(value, manager):
        body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "applied"}, "data": {"k": value}}
        maps.server_side_apply(body=body, name="applied", namespace=NAMESPACE, field_manager=manager)

    apply("v", "one")
    try:
        apply("w", "two")
        raise AssertionError("expected a conflict")
    except dynamic.exceptions.ConflictError as error:
        assert json.loads(error.body)["details"]["causes"][0]["field"] == ".data.k", error.body
    deployments = dynamic_client.resources.get(api_version="apps/v1", kind="Deployment")
    assert deployments.scale.get(name="web", namespace=NAMESPACE).spec.replicas == 2
    assert len(dynamic_client.resources.search(kind="Event")) >= 1


@step
def custom_resources_come_and_go():
    schema = {
        "type": "object",
        "properties": {"status": {"type": "object"}, "spec": {"type": "object", "properties": {"size": {"type": "integer", "maximum": 5, "default": 1}}}},
    }
    group = "python.example.com"
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}, "subresources": {"status": {}}}
    names = {"plural": "boxes", "singular": "box", "kind": "Box"}
    definitions = client.ApiextensionsV1Api()
    definitions.create_custom_resource_definition(
        {
            "metadata": {"name": f"boxes.{group}"},
            "spec": {"group": group, "scope": "Namespaced", "names": names, "versions": [version]},
        }
    )

    def established():
        conditions = definitions.read_custom_resource_definition(f"boxes.{group}").status.conditions or []
        return any(condition.type == "Established" and condition.status == "True" for condition in conditions)

    for _ in range(100):
        if established():
            break
        time.sleep(0.05)
    where = (group, "v1", NAMESPACE, "boxes")
    boxes = client.CustomObjectsApi()
    box = {"apiVersion": f"{group}/v1", "kind": "Box", "metadata": {"name": "b"}, "spec": {}}
    assert boxes.create_namespaced_custom_object(*where, box)["spec"] == {"size": 1}
    assert boxes.patch_namespaced_custom_object(*where, "b", {"spec": {"size": 2}})["spec"]["size"] == 2
    refused(422, "Invalid", lambda: boxes.patch_namespaced_custom_object(*where, "b", {"spec": {"size": 9}}))
    status = boxes.patch_namespaced_custom_object_status(*where, "b", {"spec": {"size": 4}, "status": {"full": True}})
    # The status has no fields in the schema, and a write of it does not touch the rest.
    assert (status["spec"], status["status"]) == ({"size": 2}, {}), status
    found = dynamic.DynamicClient(client.ApiClient()).resources.get(api_version=f"{group}/v1", kind="Box")
    assert [item.metadata.name for item in found.get(namespace=NAMESPACE).items] == ["b"]
    assert [event["type"] for event in found.watch(namespace=NAMESPACE, timeout=1)] == ["ADDED"]
    definitions.delete_custom_resource_definition(f"boxes.{group}")


@step
def a_file_of_objects_is_created():
    documents = [
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "y1"}},
        {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "y2"}, "stringData": {"a": "b"}},
    ]
    utils.create_from_yaml(client.ApiClient(), yaml_objects=documents, namespace=NAMESPACE)
    try:
        utils.create_from_yaml(client.ApiClient(), yaml_objects=documents, namespace=NAMESPACE)
        raise AssertionError("expected both to exist")
    except utils.FailToCreateError as error:
        assert len(error.api_exceptions) == 2, error


@step
def a_command_runs_in_a_container():
    pods = core.list_namespaced_pod(NAMESPACE, label_selector="app=web", field_selector="status.phase=Running").items
    name = next(pod.metadata.name for pod in pods if not pod.metadata.deletion_timestamp)
    script = ["sh", "-c", "echo out; echo err >&2; exit 3"]
    channels = stream(
        core.connect_get_namespaced_pod_exec,
        name,
        NAMESPACE,
        command=script,
        stdin=False,
        stdout=True,
        stderr=True,
        tty=False,
        _preload_content=False,
    )
    channels.run_forever(timeout=20)
    assert (channels.read_stdout(), channels.read_stderr(), channels.returncode) == ("out\n", "err\n", 3)
    assert core.read_namespaced_pod_log(name, NAMESPACE) == ""


@step
def the_server_answers_questions():
    assert client.VersionApi().get_code().git_version.startswith("v1.36.")
    question = {"spec": {"resourceAttributes": {"verb": "get", "resource": "pods"}}}
    assert client.AuthorizationV1Api().create_self_subject_access_review(question).status.allowed
    assert client.ApisApi().get_api_versions().groups
    assert core.list_node().items[0].status.node_info.kubelet_version.startswith("v1.36.")
    token = core.create_namespaced_service_account_token("default", NAMESPACE, {"spec": {}})
    assert token.status.token.count(".") == 2


core.delete_namespace(NAMESPACE)
sys.exit(1 if failures else 0)
