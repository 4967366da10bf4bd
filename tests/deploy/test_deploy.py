"""What lies in deploy/ fits this mofsim: its settings, extras, metrics and options."""

import configparser
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import click
import pytest
import yaml

from mofsim.cli.commands.worker import worker
from mofsim.settings import load_settings

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
JOBS = sorted((DEPLOY / "slurm").glob("*.sbatch"))
DOCKERFILES = sorted((DEPLOY / "docker").glob("Dockerfile.*"))


def test_metrics_that_rules_watch_are_those_that_there_are() -> None:
    rules = yaml.safe_load((DEPLOY / "prometheus" / "mofsim.rules.yml").read_text())["groups"][0]["rules"]
    documented = set(re.findall(r"^\| `(mofsim_[a-z_]+)`", (ROOT / "docs" / "metrics.md").read_text(), re.M))
    assert len(documented) > 20
    named = {name for rule in rules for name in re.findall(r"mofsim_[a-z_]+", rule["expr"])}
    assert len(named) > 5 and named <= documented
    assert all(
        rule["labels"]["severity"] in ("warning", "critical") and rule["annotations"]["summary"] for rule in rules
    )


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_units_start_commands_that_there_are_and_give_them_time_to_stop(path: Path) -> None:
    unit = configparser.RawConfigParser(strict=False)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read(path)
    service = unit["Service"]
    assert service["ExecStart"] in ("/opt/mofsim/bin/mofsim serve", "/opt/mofsim/bin/mofsim worker")
    assert service["NoNewPrivileges"] == "yes" and service["Restart"] == "always"
    settings = load_settings(env={}, cwd=DEPLOY)
    patience = int(service["TimeoutStopSec"].removesuffix("s"))
    assert patience > settings.worker.stop_grace_seconds + settings.server.shutdown_grace_seconds
    if shutil.which("systemd-analyze"):
        # It looks for the program too, which is installed elsewhere here.
        found = subprocess.run(["systemd-analyze", "verify", str(path)], capture_output=True, text=True, check=False)
        said = [line for line in found.stderr.splitlines() if path.name in line and "is not executable" not in line]
        assert not said, said


def test_the_containers_have_settings_that_there_are() -> None:
    compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    services = compose["services"]
    for name in ("server", "worker"):
        environment = {
            key: re.sub(r"\$\{[^}]*\}", "secret", str(value)) for key, value in services[name]["environment"].items()
        }
        settings = load_settings(env=environment, cwd=DEPLOY)
        assert settings.queue.backend == "redis" and settings.database_url.startswith("postgresql://mofsim:secret@")
        dockerfile = DEPLOY.parent / services[name]["build"]["dockerfile"]
        assert dockerfile in DOCKERFILES and (DEPLOY / services[name]["build"]["context"]).resolve() == ROOT
    assert set(services["server"]["depends_on"]) <= set(services)
    # Both see the same files.
    assert services["server"]["volumes"] == services["worker"]["volumes"]
    used = {volume.partition(":")[0] for service in services.values() for volume in service.get("volumes", [])}
    assert used == set(compose["volumes"])


@pytest.mark.parametrize("path", DOCKERFILES, ids=lambda path: path.name)
def test_images_install_extras_that_there_are_from_files_that_there_are(path: Path) -> None:
    text = path.read_text()
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    [wanted] = re.findall(r'"\.\[([a-z,]+)\]"', text)
    assert set(wanted.split(",")) <= set(extras)
    [copied] = re.findall(r"^COPY (pyproject.toml .*) \./$", text, re.M)
    assert all((ROOT / name).is_file() for name in copied.split())
    if "torch==" in text:
        assert re.findall(r"torch==[\d.]+", text)[0] in (ROOT / "constraints.txt").read_text()


@pytest.mark.parametrize("path", JOBS, ids=lambda path: path.name)
def test_jobs_of_slurm_leave_before_their_time_is_over(path: Path) -> None:
    subprocess.run(["bash", "-n", str(path)], check=True)
    [given] = re.findall(r"^exec .*/mofsim\" worker (.*)$", path.read_text(), re.M)
    with click.Context(worker) as context:
        worker.parse_args(context, given.split())
    hours, minutes, seconds = map(int, re.findall(r"--time=(\d+):(\d+):(\d+)", path.read_text())[0])
    limit = 3600 * hours + 60 * minutes + seconds
    assert limit - 600 <= context.params["shift_seconds"] <= limit - 120
    assert context.params["idle_exit"] == 600


def test_proxies_let_the_largest_upload_through_and_hold_no_event_back() -> None:
    largest = load_settings(env={}, cwd=DEPLOY).storage.max_model_MB
    nginx, caddy = (DEPLOY / "proxy" / "nginx.conf").read_text(), (DEPLOY / "proxy" / "Caddyfile").read_text()
    assert int(re.findall(r"client_max_body_size (\d+)m", nginx)[0]) > largest
    assert int(re.findall(r"max_size (\d+)MB", caddy)[0]) > largest
    assert "proxy_buffering off" in nginx and "flush_interval -1" in caddy
