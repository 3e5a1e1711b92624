"""Runs the generated parts of a Ray system as processes of this machine, and asks what a cluster would ask.

Only what one machine forces is changed: names of Services become 127.0.0.1, folders that a pod has for itself become
folders below a temporary one, and ports that head, worker and Redis would otherwise share get other numbers.
"""
import contextlib
import json
import os
import pathlib
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request

import yaml

HERE = pathlib.Path(__file__).resolve().parent
RAYFORM = os.environ["RAYFORM"]

# Redis keeps its port, so the head's GCS gets another; the worker gets others for all that the head has.
HEAD_PORTS = {6379: 26379}
WORKER_PORTS = {
    6379: 26379, 8000: 30000, 8076: 30076, 8077: 30077, 8078: 30078, 8079: 30079, 8080: 30080, 52365: 30365,
    10002: 20002, 19999: 29999,
}


# A pod sees no processes but its own, and a head that sees the raylet of another pod does not start: `ray start` looks
# for running clusters among all processes.
OWN_PROCESSES = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"]


class Failure(Exception):
    """Something that the generated parts should do, and do not."""


def step(text):
    print(f"[{time.strftime('%H:%M:%S')}] {text}", flush=True)


def need(is_true, text):
    if not is_true:
        raise Failure(text)


def until(seconds, text, question):
    """Asks until the answer is true, and returns it."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        answer = question()
        if answer:
            return answer
        time.sleep(1)
    raise Failure(f"{text}: not within {seconds} s")


def has_own_processes():
    """Tells whether this machine lets a process have process numbers of its own."""
    with contextlib.suppress(OSError):
        return subprocess.run([*OWN_PROCESSES, "true"], capture_output=True, check=False).returncode == 0
    return False


class System:
    """What was generated, and where it runs."""

    def __init__(self, folder):
        self.folder = folder
        self.objects = list(yaml.safe_load_all(self.rayform("render")))
        self.jobs = self.before_delete()
        self.values = {}
        self.alone = OWN_PROCESSES if has_own_processes() else []
        self.namespace = self.find("Namespace")["metadata"]["name"]

    def rayform(self, *arguments):
        command = [RAYFORM, *arguments, "--chdir", str(HERE / "configuration"), "--no-color"]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        need(result.returncode == 0, f"{' '.join(command)}:\n{result.stdout}{result.stderr}")
        return result.stdout

    def before_delete(self):
        """Returns the Jobs that run before a delete; an apply on the sandbox records them."""
        sandbox = self.folder / "sandbox"
        self.rayform("apply", f"--sandbox={sandbox}", "--auto-approve")
        state = json.loads((sandbox / "rayform.state.json").read_text())
        return [job for resource in state["resources"].values() for job in resource.get("before_delete", [])]

    def find(self, kind, end=""):
        found = [o for o in self.objects if o["kind"] == kind and o["metadata"]["name"].endswith(end)]
        need(len(found) == 1, f"{len(found)} objects of kind {kind} …{end}")
        return found[0]

    def secret(self, name, key):
        """Returns an entry of a Secret; all are made in the cluster here, and so are made up once."""
        return self.values.setdefault((name, key), secrets.token_hex(16))


class Pod:
    """One pod as processes."""

    def __init__(self, system, name, template, ports, folders):
        self.system, self.name, self.ports, self.folders = system, name, ports, folders
        self.labels = template["metadata"]["labels"]
        self.spec = template["spec"]
        self.container = self.spec["containers"][0]
        self.process = None

    def here(self, text):
        """Returns a text with this machine's names, folders and ports."""
        redis = f"gcs.{self.system.namespace}.svc.cluster.local:6379"
        text = text.replace(redis, "127.0.0.1:<redis>")
        text = re.sub(r"[a-z0-9.-]+\.svc\.cluster\.local", "127.0.0.1", text)
        for inside, outside in self.folders.items():
            text = text.replace(inside, str(outside))
        text = re.sub(r"(?<=[=:])\d+\b", lambda found: str(self.port(int(found[0]))), text)
        return text.replace("<redis>", "6379")

    def port(self, number):
        return self.ports.get(number, number)

    def environment(self, container):
        keep = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        libraries = {"LD_LIBRARY_PATH": os.environ["REAL_LIBRARIES"]} if "REAL_LIBRARIES" in os.environ else {}
        # Ray puts its sockets below the folder, whose path must stay short.
        result = keep | libraries | {"RAY_TMPDIR": str(self.system.folder), "RAY_USAGE_STATS_ENABLED": "0"}
        # Two nodes and a build share this machine: the dashboard gets more time than Ray's 30 s.
        result["RAY_DASHBOARD_SUBPROCESS_MODULE_WAIT_READY_TIMEOUT"] = "180"
        for entry in container.get("env", []):
            result[entry["name"]] = self.value(entry)
        return result

    def value(self, entry):
        source = entry.get("valueFrom", {})
        if "secretKeyRef" in source:
            return self.system.secret(source["secretKeyRef"]["name"], source["secretKeyRef"]["key"])
        if "fieldRef" in source:
            fields = {"metadata.name": self.name, "metadata.namespace": self.system.namespace, "status.podIP": "127.0.0.1"}
            return fields[source["fieldRef"]["fieldPath"]]
        text = entry.get("value", "")
        return str(self.port(int(text))) if text.isdigit() else self.here(text)

    def start(self, container=None):
        container = container or self.container
        command = self.system.alone + [self.here(word) for word in container["command"] + container.get("args", [])]
        log = open(self.system.folder / f"{self.name}-{container['name']}.log", "a")
        process = subprocess.Popen(command, env=self.environment(container), stdout=log, stderr=log, start_new_session=True)
        if container is self.container:
            self.process = process
        return process

    def ask(self, probe):
        """Asks as the kubelet would: a web page on the pod's address, or a command inside of the container."""
        limit = probe.get("timeoutSeconds", 1)
        if "httpGet" in probe:
            url = f"http://127.0.0.1:{self.port(probe['httpGet']['port'])}{probe['httpGet']['path']}"
            try:
                with urllib.request.urlopen(url, timeout=limit) as answer:
                    return answer.status < 400
            except (OSError, urllib.error.URLError):
                return False
        command = [self.here(word) for word in probe["exec"]["command"]]
        try:
            environment = self.environment(self.container)
            result = subprocess.run(command, env=environment, capture_output=True, timeout=limit, check=False)
            return result.returncode == 0
        except subprocess.TimeoutExpired:
            return False

    def comes_up(self):
        """Waits for the startup probe, then asks the others.

        Where the probe does not answer, the container is started again, as the kubelet would.
        """
        for tries_left in (1, 0):
            end = time.monotonic() + 240
            while time.monotonic() < end and self.process.poll() is None:
                if self.ask(self.container["startupProbe"]):
                    return self.stays_up()
                time.sleep(1)
            need(tries_left, f"the startup probe of {self.name} never answers")
            step(f"{self.name} does not come up: started again")
            self.kill()
            self.start()

    def stays_up(self):
        for name in ("readinessProbe", "livenessProbe"):
            probe = self.container[name]
            need(any(self.ask(probe) for _ in range(probe["failureThreshold"])), f"{name} of {self.name} fails")

    def processes(self):
        """Returns the processes that bear this pod's name in their environment."""
        mark = f"RAY_CLOUD_INSTANCE_ID={self.name}".encode()
        found = [self.process.pid] if self.process and self.process.poll() is None else []
        for entry in pathlib.Path("/proc").iterdir():
            with contextlib.suppress(OSError):
                if entry.name.isdigit() and mark in (entry / "environ").read_bytes().split(b"\0"):
                    found.append(int(entry.name))
        return [pid for pid in set(found) if pid != os.getpid()]

    def kill(self, how=signal.SIGKILL):
        for pid in self.processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, how)
        if self.process:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(timeout=20)

    def python(self, text):
        """Runs Python inside of the pod, and returns what it prints."""
        command = [sys.executable, "-c", text]
        result = subprocess.run(
            command, env=self.environment(self.container), capture_output=True, text=True, timeout=120, check=False
        )
        need(result.returncode == 0, f"in {self.name}:\n{result.stdout}{result.stderr[-3000:]}")
        return result.stdout.strip().splitlines()[-1]


KEEPER = """
import ray
@ray.remote(num_cpus=0.1)
class Keeper:
    def __init__(self): self.count = 0
    def add(self):
        self.count += 1
        return self.count
ray.init(namespace="real", log_to_driver=False)
"""
FIRST = KEEPER + """
keeper = Keeper.options(name="keeper", lifetime="detached").remote()
print(ray.get(keeper.add.remote()), len([node for node in ray.nodes() if node["Alive"]]))
"""
AGAIN = KEEPER + """
keeper = ray.get_actor("keeper")
print(ray.get(keeper.add.remote(), timeout=60))
"""


def selects(selector, labels):
    """Tells whether a label selector such as `a=b,c!=d` chooses these labels."""
    for part in selector.split(","):
        key, is_not, value = re.fullmatch(r"([^=!]+)(!?)=(.*)", part).groups()
        if (labels.get(key) == value) == bool(is_not):
            return False
    return True


def targets(pods, selector):
    """Returns what the Kubernetes API would tell Prometheus of the pods, as files that it can read."""
    result = []
    for pod in (pod for pod in pods if selects(selector, pod.labels)):
        common = {
            "__meta_kubernetes_namespace": pod.system.namespace,
            "__meta_kubernetes_pod_name": pod.name,
            "__meta_kubernetes_pod_phase": "Running",
            "__meta_kubernetes_pod_container_name": pod.container["name"],
        }
        for key, value in pod.labels.items():
            common["__meta_kubernetes_pod_label_" + re.sub(r"[^a-zA-Z0-9_]", "_", key)] = value
        for port in pod.container["ports"]:
            labels = common | {"__meta_kubernetes_pod_container_port_name": port["name"]}
            result.append({"targets": [f"127.0.0.1:{pod.port(port['containerPort'])}"], "labels": labels})
    return result


class Prometheus:
    """One Prometheus that reads generated files."""

    def __init__(self, folder, name, port, config, rules=None):
        self.url = f"http://127.0.0.1:{port}"
        place = folder / name
        place.mkdir()
        config = {"global": {"scrape_interval": "10s", "evaluation_interval": "2s"}, **config}
        if rules:
            (place / "rules.yml").write_text(rules)
            config["rule_files"] = ["rules.yml"]
        (place / "prometheus.yml").write_text(yaml.safe_dump(config))
        check("config", place / "prometheus.yml")
        command = ["prometheus", f"--config.file={place}/prometheus.yml", f"--storage.tsdb.path={place}/data",
                   f"--web.listen-address=127.0.0.1:{port}"]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=open(place / "log", "w"))

    def get(self, path, **query):
        url = f"{self.url}/api/v1/{path}?{urllib.parse.urlencode(query)}"
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                return json.load(answer)["data"]
        except (OSError, urllib.error.URLError):
            return None

    def up(self, count):
        found = (self.get("targets", state="active") or {}).get("activeTargets", [])
        return found if len(found) == count and all(one["health"] == "up" for one in found) else None

    def value(self, expression):
        found = (self.get("query", query=expression) or {}).get("result", [])
        return float(found[0]["value"][1]) if found else None

    def stop(self):
        self.process.terminate()
        self.process.wait(timeout=20)


def check(what, file):
    result = subprocess.run(["promtool", "check", what, str(file)], capture_output=True, text=True, check=False)
    need(result.returncode == 0, f"promtool check {what} {file.name}:\n{result.stdout}{result.stderr}")


def watch(system, pods):
    """Lets Prometheus find the pods in both generated ways, and evaluates the generated rules and dashboard."""
    head, folder = pods[0], system.folder
    files = system.find("ConfigMap", "-metrics")["data"]
    (folder / "rules.yml").write_text(files["rules.yml"])
    check("rules", folder / "rules.yml")

    by_api = yaml.safe_load(files["scrape-config.yml"])
    for number, job in enumerate(by_api["scrape_configs"]):
        # Debian builds Prometheus without its Kubernetes client: the same targets come from a file.
        (discovery,) = job.pop("kubernetes_sd_configs")
        need(discovery["namespaces"]["names"] == [system.namespace], "the wrong namespace is searched")
        (selector,) = discovery["selectors"]
        (folder / f"targets-{number}.json").write_text(json.dumps(targets(pods, selector["label"])))
        job["file_sd_configs"] = [{"files": [str(folder / f"targets-{number}.json")]}]
    by_file = yaml.safe_load(head.here(files["file-sd.yml"]))

    # One after the other: Ray hands most values out once, to whoever comes first.
    by_file_finds(Prometheus(folder, "by-file", 39091, by_file))
    first = Prometheus(folder, "by-api", 39090, by_api, files["rules.yml"])
    try:
        found = until(60, "all four endpoints of both pods are up", lambda: first.up(4))
        labels = sorted((one["labels"]["ray_io_node_type"], one["labels"]["endpoint"]) for one in found)
        expected = [("head", "as-metrics"), ("head", "dash-metrics"), ("head", "metrics"), ("worker", "metrics")]
        need(labels == expected, f"targets {labels}")
        step("Prometheus finds head and worker by their labels and port names, and all answer")
        until(90, "the record of nodes", lambda: first.value("ray_cluster:nodes:count") == 2)
        until(90, "the record of the object store", lambda: first.value("ray_cluster:object_store_used:ratio") is not None)
        until(90, "the record of CPUs", lambda: first.value("ray_cluster:logical_cpus_used:ratio") is not None)
        rules = [rule for group in first.get("rules")["groups"] for rule in group["rules"]]
        bad = [rule["name"] for rule in rules if rule["health"] != "ok" or rule.get("state", "inactive") != "inactive"]
        # The disk is that of the machine that runs this: where it is nearly full, the rule is right to say so.
        disk = until(60, "the use of the disk", lambda: first.value("max(ray_node_disk_utilization_percentage)"))
        expected = ["RayDiskFull"] if disk > 90 else []
        need(bad == expected, f"rules that fail or fire: {bad}, expected are {expected}")
        step(f"{len(rules)} rules are evaluated, none fires without reason")
        (dashboard,) = system.find("ConfigMap", "-dashboard")["data"].values()
        lines = [target["expr"] for panel in json.loads(dashboard)["panels"] for target in panel["targets"]]
        for line in lines:
            until(60, f"a value of {line}", lambda: first.value(line) is not None)
        step(f"{len(lines)} lines of the dashboard have values")
    finally:
        first.stop()


def by_file_finds(prometheus):
    try:
        until(60, "all four entries of Ray's discovery file are up", lambda: prometheus.up(4))
        counted = 'count(last_over_time(ray_node_cpu_utilization{ray_io_cluster="main",namespace="real"}[1m]))'
        until(90, "both nodes bear the labels of the cluster", lambda: prometheus.value(counted) == 2)
        step("Prometheus reads the discovery file that the head writes, and all answer")
    finally:
        prometheus.stop()


def run(system, running):
    folder = system.folder
    config = folder / "etc-redis"
    config.mkdir()
    (folder / "data").mkdir()
    template = system.find("StatefulSet")["spec"]["template"]
    redis = Pod(system, "gcs-0", template, {}, {"/etc/redis": config, "/data": folder / "data"})
    for name, text in system.find("ConfigMap", "gcs-config")["data"].items():
        (config / name).write_text(redis.here(text))
    ray = {"/tmp/ray": folder / "ray", "/tmp/health-check": folder / "health-check"}
    head = Pod(system, "main-head-0", system.find("Deployment", "-head")["spec"]["template"], HEAD_PORTS, ray)
    worker = Pod(system, "main-worker-0", system.find("Deployment", "-cpu")["spec"]["template"], WORKER_PORTS, ray)
    running += [redis, worker, head]

    redis.start()
    redis.comes_up()
    step("Redis is up with the generated redis.conf and password; its probes answer")

    (init,) = worker.spec["initContainers"]
    waiting = worker.start(init)
    head.start()
    need(waiting.poll() is None, "the wait for the GCS ended before there was one")
    head.comes_up()
    step("the head is up with the generated command line; its probes answer")
    until(60, "the wait for the GCS ends", lambda: waiting.poll() is not None)
    need(waiting.returncode == 0, f"the wait for the GCS ended with {waiting.returncode}")
    step("the worker's wait for the GCS ended by itself")

    worker.start()
    worker.comes_up()
    found = head.python(FIRST)
    need(found == "1 2", f"the first call says {found}, expected call 1 and 2 nodes")
    step("the worker joined, its probes answer, and a detached actor runs on it")

    watch(system, [head, worker])

    if system.alone:
        returns(head, worker)
    else:
        step("SKIPPED: the head's return, for this machine gives no process namespaces")

    worker.kill(signal.SIGTERM)
    head.kill(signal.SIGTERM)
    clean(system, redis)


def returns(head, worker):
    """Kills the head, and expects that it comes back with what it knew."""
    head.kill()
    need(not head.ask(head.container["livenessProbe"]), "the liveness probe answers for a dead head")
    step("the head is killed; its liveness probe notices")
    head.start()
    head.comes_up()
    need(worker.process.poll() is None, "the worker died with the head")
    found = until(120, "the actor answers again", lambda: try_again(head))
    need(found == "2", f"the actor counts {found}, expected 2: it was made anew")
    step("the head is back with its metadata from Redis: the actor goes on counting")


def try_again(head):
    try:
        return head.python(AGAIN)
    except (Failure, subprocess.TimeoutExpired):
        return None


def clean(system, redis):
    """Runs the Job that comes before a delete, and looks whether Redis is empty."""
    (job,) = system.jobs
    keys = ["redis-cli", "--scan"]
    listed = lambda: subprocess.run(keys, env=redis.environment(redis.container), capture_output=True, text=True, check=True)
    need(f"RAY{system.namespace}.main@" in listed().stdout, f"no metadata in Redis:\n{listed().stdout}")
    pod = Pod(system, "cleanup-0", job["spec"]["template"], {}, {})
    process = pod.start()
    until(60, "the cleanup Job ends", lambda: process.poll() is not None)
    need(process.returncode == 0, f"the cleanup Job ended with {process.returncode}")
    need(listed().stdout.strip() == "", f"the cleanup Job left:\n{listed().stdout}")
    step("the Job before a delete leaves nothing in Redis")


def free(ports):
    taken = []
    for port in ports:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                taken.append(port)
    need(not taken, f"these ports are in use on this machine: {taken}")


def main():
    folder = pathlib.Path(tempfile.mkdtemp(prefix="rf"))
    running = []
    try:
        free([6379, *HEAD_PORTS.values(), *WORKER_PORTS.values(), 8265, 8080, 52365, 44217, 44227, 39090, 39091])
        run(System(folder), running)
    except Failure as failure:
        for log in sorted(folder.glob("*.log")):
            print(f"--- {log.name}\n{log.read_text()[-3000:]}", file=sys.stderr)
        print(f"failed: {failure}\nlogs are in {folder}", file=sys.stderr)
        return 1
    finally:
        for pod in reversed(running):
            pod.kill()
    shutil.rmtree(folder, ignore_errors=True)
    print("real parts: all well")
    return 0


if __name__ == "__main__":
    sys.exit(main())
