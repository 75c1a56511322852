"""Reads compose.yaml as docker-compose does, and starts the programs with what it gives them (without an engine).

    compose_check.py [--bin FOLDER]

Prints `PASS name` or `FAIL name: why`.
"""

import argparse
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
OURS = ["cart-tracker", "scheduler", "notifier", "direct-mail", "gateway"]


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
    for name in OURS:
        service = services[name]
        if service["healthcheck"]["test"][0] != "CMD":
            wrong.append(f"{name}'s health check is no exec form")
        if service["depends_on"]["certificates"]["condition"] != "service_completed_successfully":
            wrong.append(f"{name} does not wait for its certificate")
        if not service["read_only"] or service["cap_drop"] != ["ALL"] or not service["init"]:
            wrong.append(f"{name} may do more than it needs")
        volumes = [str(volume).split(":")[0] for volume in service["volumes"]]
        if name != "gateway" and name not in volumes:
            wrong.append(f"{name} has no volume of its own")
        if any(other in volumes for other in OURS if other != name):
            wrong.append(f"{name} has another service's volume")
        for port in service["ports"]:
            published = str(port["published"] if isinstance(port, dict) else str(port).rsplit(":", 2)[-2])
            if int(published.rsplit(":", 1)[-1]) >= 32768:
                wrong.append(f"{name} listens at {published}")
            # Of the rest only this machine hears: the RPC ports are for who sits at it.
            if name != "gateway" and "127.0.0.1" not in str(port):
                wrong.append(f"{name} is open to everybody")
    return wrong


def keys(config):
    """Every setting is one that its program knows."""
    sources = "".join(path.read_text() for folder in ("Services", "Shared/ServiceKit", "Shared/Transport")
                      for path in (ROOT / folder).rglob("*.swift"))
    return [f"{name} has no {key}" for name in OURS for key in config["services"][name]["environment"]
            if key.startswith("HOMING_") and f'"{key}"' not in sources]


def packages():
    """Every Debian package of the Dockerfile exists, and every program of its list is a product."""
    wrong = []
    text = (ROOT / "Services/Dockerfile").read_text()
    joined = text.replace("\\\n", " ")
    names = set()
    for part in re.findall(r"--no-install-recommends ([^&;|]*)", joined) + re.findall(r'own="([^"]*)"', joined):
        names |= {word for word in part.split() if re.fullmatch(r"[a-z0-9][a-z0-9.+-]+", word)}
    if len(names) < 15:
        wrong.append(f"only {len(names)} packages were found")
    for name in sorted(names):
        found = subprocess.run(["apt-cache", "policy", name], capture_output=True, text=True).stdout
        if "Candidate: (none)" in found or "Candidate:" not in found:
            wrong.append(f"Debian has no {name}")
    products = re.search(r"for product in ([a-z -]+);", joined).group(1).split()
    known = re.findall(r'\.executable\(name: "([a-z-]+)"', (ROOT / "Package.swift").read_text())
    return wrong + [f"{name} is no product" for name in products if name not in known]


def libraries(options):
    """Every library that a program links is in its image: Swift's own beside it, the others of its packages."""
    wrong = []
    joined = (ROOT / "Services/Dockerfile").read_text().replace("\\\n", " ")
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


def starts(config, options):
    """With the environment of the file, its places moved to a folder and to loopback, all become healthy."""
    processes, wrong = {}, []
    with tempfile.TemporaryDirectory(prefix="homing-compose-") as folder:
        folder = pathlib.Path(folder)
        script = config["services"]["certificates"]["command"]
        script = (script[0] if isinstance(script, list) else script).replace("$$", "$")
        script = script.replace("/certificates", str(folder / "certificates"))
        (folder / "certificates").mkdir()
        path = f"{options.bin}:{os.environ['PATH']}"
        for _ in range(2):
            subprocess.run(["/bin/sh", "-ec", script], check=True, env=dict(os.environ, PATH=path),
                           stdout=subprocess.DEVNULL)
        port = 21000 + os.getpid() % 9000
        ports = {name: port + index for index, name in enumerate(OURS + ["http"])}
        (folder / "providers").write_text((ROOT / "Services/Containers/providers").read_text()
                                          .replace("mail-sink:2525", "127.0.0.1:25250")
                                          .replace("/data/texts", str(folder / "texts")))

        def moved(name, value):
            value = value.replace("/etc/homing/providers", str(folder / "providers"))
            value = re.sub(r"(?<!\w)/(certificates|data)\b",
                           lambda m: str(folder / (m.group(1) if m.group(1) != "data" else name)), value)
            value = value.replace("0.0.0.0:7100", f"127.0.0.1:{ports[name]}")
            value = value.replace("0.0.0.0:8080", f"127.0.0.1:{ports['http']}")
            for other in OURS:
                value = value.replace(f"{other}:7100", f"127.0.0.1:{ports[other]}")
            return value

        try:
            for name in OURS:
                (folder / name).mkdir()
                environment = {key: moved(name, str(value))
                               for key, value in config["services"][name]["environment"].items()}
                clean = {key: value for key, value in os.environ.items() if not key.startswith("HOMING_")}
                with open(folder / f"{name}.log", "w") as log:
                    processes[name] = (subprocess.Popen([options.bin / name], env={**clean, **environment},
                                                        stdout=log, stderr=log), environment)
            limit = time.monotonic() + 60
            for name, (process, environment) in processes.items():
                command = [part.replace("/usr/local/bin", str(options.bin)).replace("localhost:7100",
                           f"127.0.0.1:{ports[name]}") for part in config["services"][name]["healthcheck"]["test"][1:]]
                while subprocess.run(command, env={**os.environ, **environment}, capture_output=True).returncode:
                    if process.poll() is not None or time.monotonic() > limit:
                        log = (folder / f"{name}.log").read_text()[-300:]
                        wrong.append(f"{name} does not become healthy: {log}")
                        break
                    time.sleep(0.05)
        finally:
            for process, _ in processes.values():
                process.terminate()
            for name, (process, _) in processes.items():
                if process.wait(40) != 0:
                    wrong.append(f"{name} ended with {process.returncode}")
    return wrong


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", type=pathlib.Path, default=ROOT / ".build/release")
    options = parser.parse_args()
    options.bin = options.bin.resolve()
    config = composed()
    checks = {
        "S09 compose.yaml keeps each service apart, and only the gateway is open": lambda: places(config),
        "S09 compose.yaml names no setting that a service does not know": lambda: keys(config),
        "S09 the Dockerfile names packages and programs that exist": packages,
        "S09 each image has the libraries that its program links": lambda: libraries(options),
        "S09 every service becomes healthy with the environment of compose.yaml": lambda: starts(config, options),
    }
    failed = 0
    for name, check in checks.items():
        wrong = check()
        failed += bool(wrong)
        print(f"FAIL {name}: {'; '.join(wrong)[:600]}" if wrong else f"PASS {name}", flush=True)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
