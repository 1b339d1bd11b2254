"""Scrapes danegated as Prometheus does, and reads what it says with Prometheus' own parser."""

import collections
import http.client

from prometheus_client.parser import text_string_to_metric_families

from .policy import connect

TEXT = "text/plain; version=0.0.4; charset=utf-8"
VERDICT = ("service", "rule", "mode", "action", "result", "reason")


def get(endpoint, path, method="GET"):
    """Status, content type and body of one request; `endpoint` as in metrics.listen."""
    connection = http.client.HTTPConnection("localhost")
    connection.sock = connect(endpoint)
    try:
        connection.request(method, path)
        reply = connection.getresponse()
        return reply.status, reply.getheader("Content-Type"), reply.read().decode()
    finally:
        connection.close()


class Scrape:
    """What /metrics says now."""

    def __init__(self, endpoint):
        status, kind, self.text = get(endpoint, "/metrics")
        assert (status, kind) == (200, TEXT), (status, kind, self.text)
        self.samples = [sample for family in text_string_to_metric_families(self.text) for sample in family.samples]

    def value(self, name, **labels):
        """The one sample with that name and these labels."""
        found = [sample.value for sample in self.samples
                 if sample.name == name and all(sample.labels.get(key) == value for key, value in labels.items())]
        assert len(found) == 1, (name, labels, found)
        return found[0]

    def by(self, name, label):
        """The samples of a metric by one label."""
        return {sample.labels[label]: sample.value for sample in self.samples if sample.name == name}

    def verdicts(self):
        """How often each combination of the words of a verdict was counted."""
        return collections.Counter({tuple(sample.labels[key] for key in VERDICT): sample.value
                                    for sample in self.samples if sample.name == "danegate_verdicts_total"})


def logged(daemon):
    """The same, counted in the daemon's log."""
    return collections.Counter(tuple(line[key] for key in VERDICT) for line in daemon.find(event="verdict"))
