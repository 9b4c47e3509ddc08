"""A private Postgres, of which every scenario that asks gets a database of its own."""
import re
import shutil
import subprocess
import urllib.parse

from harness.checks import Failed


class Postgres:
    def __init__(self, script, folder):
        self.script = script
        self.folder = folder

    def start(self):
        self.folder.mkdir(parents=True, exist_ok=True)
        # What a failure is understood by: who waited for whom, and what took long.
        (self.folder / "extra.conf").write_text("log_lock_waits = on\nlog_min_duration_statement = 1s\n")
        self._call("start")

    def stop(self):
        if self.folder.exists():
            if (self.folder / "log").exists():
                shutil.copy(self.folder / "log", self.folder.with_suffix(".log"))
            self._call("remove", fails=False)

    def restart(self):
        self._call("restart")

    def start_again(self):
        """After `kill` or `halt`."""
        self._call("start")

    def halt(self):
        """Stops it in order; the data stays."""
        self._call("stop")

    def sql(self, statement):
        """Runs a statement as the superuser."""
        self._call("ctl", "-q", "-c", statement)

    def sql_in(self, database, statement):
        self._call("ctl", "-q", "-d", database, "-c", statement)

    def kill(self):
        self._call("kill")

    @property
    def url(self):
        return (self.folder / "url").read_text().strip()

    def database(self, name):
        """Makes an empty database, and returns its URL. The server is started for the first one."""
        if not (self.folder / "url").exists():
            self.start()
        name = re.sub(r"[^a-z0-9]+", "_", name.lower())[:60]
        self._call("ctl", "-q", "-c", f'CREATE DATABASE "{name}" OWNER millrace')
        return urllib.parse.urlsplit(self.url)._replace(path="/" + name).geturl()

    def drop(self, url):
        """Deletes a database, whoever uses it."""
        name = urllib.parse.urlsplit(url).path[1:]
        self._call("ctl", "-q", "-c", f'DROP DATABASE "{name}" WITH (FORCE)')

    def _call(self, command, *arguments, fails=True):
        # In a session of its own, since Ctrl-C at the runner must not end a server half way.
        done = subprocess.run(
            [str(self.script), command, str(self.folder), *arguments], stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, timeout=180, start_new_session=True)
        if fails and done.returncode != 0:
            raise Failed(f"postgres.sh {command} ended with {done.returncode}: {done.stderr.strip()[-1000:]}")
