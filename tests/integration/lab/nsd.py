"""An NSD on one loopback address, port 53, that serves some of the lab's zones and takes new contents at once."""

import contextlib
import os
import signal
import subprocess

import dns.exception
import dns.message
import dns.query
import dns.rdatatype

from .procs import run, session, stop, wait_until

# xfrdir: NSD names its files there after its process id, and beside other runs, each in a process namespace of its own,
# the same id in /tmp means the same files, and a server that never answers.
CONFIG = """
server:
  server-count: 1
  ip-address: {address}
  port: 53
  do-ip6: no
  username: root
  zonesdir: "{folder}"
  database: ""
  logfile: "{folder}/nsd.log"
  pidfile: ""
  xfrdfile: "{folder}/xfrd.state"
  xfrdir: "{folder}"
  zonelistfile: "{folder}/zone.list"
  rrl-ratelimit: 0
  xfrd-reload-timeout: 0
remote-control:
  control-enable: yes
  control-interface: "{folder}/control"
"""


class Nsd:
    """Start with the zones it will ever have; publish() afterwards writes, reloads and waits for the new serial."""

    def __init__(self, address, folder, zones):
        self.address, self.folder, self.zones = address, folder, zones
        folder.mkdir()
        self.config = folder / "nsd.conf"
        text = CONFIG.format(address=address, folder=folder)
        for zone in zones:
            base = zone.name if zone.name != "." else "root"
            text += f'zone:\n  name: "{zone.fqdn}"\n  zonefile: "{base}.served"\n'
            zone.write(folder)
        self.config.write_text(text)
        self._process = subprocess.Popen(["nsd", "-d", "-c", self.config], start_new_session=True)
        for zone in zones:
            self._await_serial(zone)

    def publish(self, zone):
        """Serves the zone's present records; returns when a query gets them."""
        zone.write(self.folder)
        run("nsd-control", "-c", self.config, "reload", zone.fqdn)
        self._await_serial(zone)

    def _await_serial(self, zone):
        what = f"serial {zone.serial} of {zone.fqdn} at {self.address}, see nsd.log"
        try:
            wait_until(lambda: self._serial(zone) == zone.serial, what, timeout=60)
        except AssertionError as error:
            raise AssertionError(f"{error}:\n{(self.folder / 'nsd.log').read_text()[-3000:]}") from None

    def _serial(self, zone):
        query = dns.message.make_query(zone.fqdn, "SOA")
        try:
            answer = dns.query.udp(query, self.address, timeout=0.3)
        except (dns.exception.DNSException, OSError):
            return None
        return next((record.serial for rrset in answer.answer for record in rrset
                     if record.rdtype == dns.rdatatype.SOA), None)

    def silence(self):
        """Questions still arrive, and nobody answers. A reload that is under way goes on starting and ending processes,
        so what is awake is looked for until nothing is."""
        def stop_whoever_is_awake():
            awake = [pid for pid, state in session(self._process.pid) if state not in "TZX"]
            self._signal(signal.SIGSTOP, awake)
            return not awake
        wait_until(stop_whoever_is_awake, f"the name server at {self.address} to stand still")

    def resume(self):
        self._signal(signal.SIGCONT, [pid for pid, _ in session(self._process.pid)])

    def _signal(self, number, pids):
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def stop(self):
        self.resume()
        return stop(self._process)
