"""Reads compose.yaml as docker-compose does, and starts the programs with what it gives them (without an engine).

    compose_check.py [--bin FOLDER]

Prints `PASS name` or `FAIL name: why`, and `ok N checks` where all of them passed.
"""

import argparse
import json
import os
import pathlib
import re
import shlex
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
OURS = ["cart-tracker", "scheduler", "notifier", "direct-mail", "gateway"]
DOCKERFILE = (ROOT / "Services/Dockerfile").read_text()
PRODUCTS = re.findall(r'\.executable\(name: "([a-z-]+)"', (ROOT / "Package.swift").read_text())


def composed():
    """What docker-compose makes of the file."""
    # Its YAML reader is Debian's, so the file that it prints is turned into JSON by the same interpreter.
    text = subprocess.run(["docker-compose", "-f", ROOT / "compose.yaml", "config"], check=True, capture_output=True,
                          text=True).stdout
    convert = "import json, sys, yaml; json.dump(yaml.safe_load(sys.stdin), sys.stdout, default=str)"
    return json.loads(subprocess.run(["/usr/bin/python3", "-c", convert], input=text, check=True, capture_output=True,
                                     text=True).stdout)


def places(config):
    """Each service has what keeps it apart from the others."""
    wrong = []
    services = config["services"]
    if sorted(services) != sorted(OURS + ["certificates", "mail-sink"]):
        wrong.append(f"the services are {sorted(services)}")
    if re.search(r"^name:", (ROOT / "compose.yaml").read_text(), re.MULTILINE):
        wrong.append("the file names the project")
    for name, service in services.items():
        if not service["read_only"] or service["cap_drop"] != ["ALL"] or not service["init"]:
            wrong.append(f"{name} may do more than it needs")
        if name != "certificates" and service["healthcheck"]["test"][0] != "CMD":
            wrong.append(f"{name}'s health check is no exec form")
        if name != "certificates" and service["restart"] != "unless-stopped":
            wrong.append(f"{name} is not started again")
        published = [published_at(port) for port in service.get("ports", [])]
        if name == "gateway":
            if len(published) != 1 or published[0] >= 32768:
                wrong.append(f"the gateway is published at {published}")
        elif published:
            wrong.append(f"{name} is published at {published}")
    for name in OURS:
        service = services[name]
        if service["depends_on"]["certificates"]["condition"] != "service_completed_successfully":
            wrong.append(f"{name} does not wait for its certificate")
        if "stop_grace_period" not in service:
            wrong.append(f"{name} is given no time to end")
        volumes = [str(volume).split(":")[0] for volume in service["volumes"]]
        if name != "gateway" and (name not in volumes or name not in config["volumes"]):
            wrong.append(f"{name} has no volume of its own")
        if any(other in volumes for other in OURS if other != name):
            wrong.append(f"{name} has another service's volume")
    return wrong


def published_at(port):
    """The port on the machine, from the short form or the long one."""
    return int(port["published"] if isinstance(port, dict) else str(port).split("/")[0].split(":")[-2])


def keys(config):
    """Every setting is one that its program knows."""
    sources = "".join(path.read_text() for folder in ("Services", "Shared/ServiceKit", "Shared/Transport")
                      for path in (ROOT / folder).rglob("*.swift"))
    return [f"{name} has no {key}" for name in OURS for key in config["services"][name]["environment"]
            if key.startswith("HOMING_") and f'"{key}"' not in sources]


def packages():
    """Every Debian package of the Dockerfile exists."""
    joined = DOCKERFILE.replace("\\\n", " ")
    names = set()
    for part in re.findall(r"--no-install-recommends ([^&;|]*)", joined) + re.findall(r'own="([^"]*)"', joined):
        names |= {word for word in part.split() if re.fullmatch(r"[a-z0-9][a-z0-9.+-]+", word)}
    wrong = [] if len(names) >= 15 else [f"only {len(names)} packages were found"]
    told = subprocess.run(["apt-cache", "policy", *sorted(names)], check=True, capture_output=True, text=True).stdout
    found = set(re.findall(r"^(\S+):\n.*\n  Candidate: (?!\(none\))", told, re.MULTILINE))
    return wrong + [f"Debian has no {name}" for name in sorted(names - found)]


def images(config):
    """The Dockerfile makes what compose.yaml asks of it, in the form that signals and users need."""
    wrong = []
    made = re.search(r"for product in ([a-z -]+);", DOCKERFILE).group(1).split()
    if sorted(made) != sorted(OURS + ["homing"]):
        wrong.append(f"the programs that are built are {made}")
    wrong += [f"{name} is no product of Package.swift" for name in made if name not in PRODUCTS]
    wanted = {"certificates": "homing", **{name: name for name in OURS}}
    for name, product in wanted.items():
        asked = dict(config["services"][name]["build"]["args"])
        if asked != {"PRODUCT": product}:
            wrong.append(f"{name} is built with {asked}")
    target = config["services"]["mail-sink"]["build"]["target"]
    if f" AS {target}\n" not in DOCKERFILE:
        wrong.append(f"there is no stage {target}")
    if re.search(r"^# *syntax *=", DOCKERFILE, re.MULTILINE):
        wrong.append("the Dockerfile asks for a reader of its own")
    # The stages that are run: each with a user by number and an entry point that is no shell.
    for stage in re.split(r"^FROM ", DOCKERFILE, flags=re.MULTILINE)[1:]:
        name = stage.splitlines()[0]
        if name.endswith(" AS build"):
            continue
        if not re.search(r"^USER [1-9][0-9]*:[1-9][0-9]*$", stage, re.MULTILINE):
            wrong.append(f"the stage of {name} has no user by number")
        if not re.search(r'^ENTRYPOINT \["/', stage, re.MULTILINE):
            wrong.append(f"the stage of {name} has no entry point in exec form")
    return wrong


def libraries(options):
    """Every library that a program links is in its image: Swift's own beside it, the others of its packages."""
    wrong = []
    joined = DOCKERFILE.replace("\\\n", " ")
    common = re.search(r"(ca-certificates tzdata[^;$]*)\$own", joined).group(1).split()
    for product in OURS + ["homing"]:
        own = next(packages for names, packages in re.findall(r'([a-z |-]+)\) own="([^"]*)"', joined)
                   if product in names.replace("|", " ").split())
        linked = subprocess.run(["ldd", options.bin / product], check=True, capture_output=True, text=True).stdout
        needed = subprocess.run(["readelf", "-d", options.bin / product], check=True, capture_output=True,
                                text=True).stdout
        for library in re.findall(r"NEEDED.*\[(.*)\]", needed):
            path = re.search(re.escape(library) + r" => (\S+)", linked)
            if path is None or "swift" in path.group(1):
                continue
            real = os.path.realpath(path.group(1))
            # Where /lib is a link to /usr/lib, dpkg knows a file by either name.
            owner = subprocess.run(["dpkg", "-S", real, real.removeprefix("/usr")], capture_output=True,
                                   text=True).stdout.split(":")[0]
            # libc comes with Debian itself; the last three with GMime and Pango, which depend on them.
            if owner not in common + own.split() + ["libc6", "libgcc-s1", "libglib2.0-0", "libpango-1.0-0",
                                                    "libharfbuzz0b"]:
                wrong.append(f"{product} links {library} of {owner or real}, which its image lacks")
    return wrong


class Places:
    """Where on this machine that is what a container would see: a folder for its paths, loopback for its network."""

    def __init__(self, folder, options):
        self.folder = folder
        self.bin = options.bin
        self.ports = {name: free_port() for name in OURS + ["http", "mail-sink"]}

    def moved(self, name, value):
        """A path, an address or a command of the service `name`, as it is here."""
        value = value.replace("/etc/homing/providers", str(self.folder / "providers"))
        value = value.replace("/usr/local/bin", str(self.bin))
        value = value.replace("/usr/local/lib/homing", str(ROOT / "Services"))
        value = re.sub(r"(?<![\w/.])/data\b", str(self.folder / name), value)
        value = re.sub(r"(?<![\w/.])/(certificates|mails)\b", lambda found: str(self.folder / found[1]), value)
        here = {"0.0.0.0:8080": "http", "mail-sink:2525": "mail-sink", "0.0.0.0:2525": "mail-sink",
                "0.0.0.0:7100": name, "127.0.0.1:7100": name, **{f"{other}:7100": other for other in OURS}}
        for inside, place in here.items():
            if inside in value:
                value = value.replace(inside, f"127.0.0.1:{self.ports[place]}")
        # The mail server's health check has them as two arguments.
        return value.replace("'127.0.0.1', 2525", f"'127.0.0.1', {self.ports['mail-sink']}")

    def environment(self, name, service):
        """What the container would have, and nothing that this process has of ours."""
        clean = {key: value for key, value in os.environ.items() if not key.startswith("HOMING_")}
        given = {key: self.moved(name, str(value)) for key, value in service.get("environment", {}).items()}
        return {**clean, "PATH": f"{self.bin}:{os.environ['PATH']}", **given}


def free_port():
    """Below the ports that the machine gives to whoever asks."""
    for port in range(21000 + os.getpid() % 9000, 32768):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        if port not in free_port.given:
            free_port.given.add(port)
            return port
    raise SystemExit("no port is free")


free_port.given = set()


def certificates(config, places_here):
    """Runs the one-shot service twice: the second time it leaves all as it is."""
    service = config["services"]["certificates"]
    folder = places_here.folder / "certificates"
    folder.mkdir()
    # docker-compose shows a `$` of the file as `$$`.
    command = service["command"]
    words = command if isinstance(command, list) else shlex.split(command)
    script = places_here.moved("certificates", words[-1].replace("$$", "$"))
    states = []
    for _ in range(2):
        subprocess.run([*service["entrypoint"], script], check=True, stdout=subprocess.DEVNULL,
                       env=places_here.environment("certificates", service))
        states.append({file.name: file.read_bytes() for file in folder.iterdir()})
    wrong = [] if states[0] == states[1] else ["the second start makes other certificates"]
    wrong += [f"{file.name} can be read by others" for file in folder.iterdir() if file.stat().st_mode & 0o077]
    return wrong


def starts(config, options):
    """With the environment of the file, its places moved to a folder and to loopback, all become healthy."""
    processes = {}
    with tempfile.TemporaryDirectory(prefix="homing-compose-") as folder:
        here = Places(pathlib.Path(folder), options)
        wrong = certificates(config, here)
        (here.folder / "providers").write_text(
            here.moved("notifier", (ROOT / "Services/Containers/providers").read_text()))
        sink = DOCKERFILE.split(" AS mail-sink\n")[1].split("\nFROM ")[0]
        words = [json.loads(re.search(rf"^{word} (\[.*\])$", sink, re.MULTILINE)[1]) for word in ("ENTRYPOINT", "CMD")]
        commands = {"mail-sink": [here.moved("mail-sink", word) for word in words[0] + words[1]],
                    **{name: [options.bin / name] for name in OURS}}
        try:
            for name, command in commands.items():
                (here.folder / name).mkdir()
                with open(here.folder / f"{name}.log", "w") as log:
                    processes[name] = subprocess.Popen(
                        command, env=here.environment(name, config["services"][name]), stdout=log, stderr=log)
            limit = time.monotonic() + 60
            for name, process in processes.items():
                service = config["services"][name]
                command = [here.moved(name, part) for part in service["healthcheck"]["test"][1:]]
                while subprocess.run(command, env=here.environment(name, service), capture_output=True).returncode:
                    if process.poll() is not None or time.monotonic() > limit:
                        log = (here.folder / f"{name}.log").read_text()[-300:]
                        wrong.append(f"{name} does not become healthy: {log}")
                        break
                    time.sleep(0.05)
            if not wrong:
                wrong = answers(here.ports["http"])
        finally:
            for process in processes.values():
                process.terminate()
            for name, process in processes.items():
                if process.wait(40) != 0:
                    wrong.append(f"{name} ended with {process.returncode}")
    return wrong


def answers(port):
    """The gateway takes HTTP where it is told to."""
    try:
        urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5)
    except urllib.error.HTTPError as error:
        return [] if error.code == 404 else [f"the gateway answers with {error.code}"]
    return ["the gateway has a page at /"]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", type=pathlib.Path, default=ROOT / ".build/release")
    options = parser.parse_args()
    options.bin = options.bin.resolve()
    config = composed()
    checks = {
        "S09 compose.yaml keeps each service apart, and only the gateway is open": lambda: places(config),
        "S09 compose.yaml names no setting that a service does not know": lambda: keys(config),
        "S09 the Dockerfile names packages that exist": packages,
        "S09 the Dockerfile makes the images of compose.yaml": lambda: images(config),
        "S09 each image has the libraries that its program links": lambda: libraries(options),
        "S09 every service becomes healthy with the environment of compose.yaml": lambda: starts(config, options),
    }
    failed = 0
    for name, check in checks.items():
        wrong = check()
        failed += bool(wrong)
        print(f"FAIL {name}: {'; '.join(wrong)[:600]}" if wrong else f"PASS {name}", flush=True)
    if failed:
        sys.exit(1)
    print(f"ok {len(checks)} checks")


if __name__ == "__main__":
    main()
