"""A Django project of 1,000 models, all but empty: how long dbdump and dbload take.

    python -m bench.django_models [--url postgresql://user@host/empty_database …]

SQLite is always there; give --url once for each server. Each database is migrated, dumped and
loaded again.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import tempfile
from pathlib import Path

from . import django_project, measure
from .places import environment

_FILL = """\
from django.apps import apps
for number, model in enumerate(apps.get_app_config("shop").get_models()):
    if number % 10 == 0:
        model.objects.using({alias!r}).create(name="one of ten")
"""


def main() -> None:
    """Run the benchmark that the arguments describe."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", action="append", default=[], help="an empty database; its tables are made and left")
    parser.add_argument("--models", type=int, default=1000)
    options = parser.parse_args()
    environment()
    with tempfile.TemporaryDirectory(prefix="dbdump-bench-") as name:
        folder = Path(name)
        urls = {"default": str(folder / "many.db")}
        urls |= {f"server{number}": url for number, url in enumerate(options.url)}
        project = django_project.many_models_project(folder / "project", urls, options.models)
        for alias, url in urls.items():
            project.manage("migrate", "--run-syncdb", "--database", alias, "-v", "0")
            fill = [*project.command("shell", "-c", _FILL.format(alias=alias))]
            subprocess.run(fill, check=True, stdout=subprocess.DEVNULL)
            dump = folder / "dump"
            what = f"{options.models} models, {url.partition(':')[0] if '://' in url else 'sqlite'}"
            _time(project, what, alias, "dbdump", "-o", str(dump))
            _time(project, what, alias, "dbload", str(dump))
            shutil.rmtree(dump)


def _time(project: django_project.Project, what: str, alias: str, *arguments: str) -> None:
    more = ["--noinput"] if arguments[0] == "dbload" else []
    command = project.command(*arguments, "--database", alias, "-v", "0", *more)
    run = measure.measure(measure.Contender(what, [[command]], 1))
    print(f"{run.seconds:7.2f} s  {run.peak / 1e6:4.0f} MB  {arguments[0]}, {what}", flush=True)


if __name__ == "__main__":
    main()
