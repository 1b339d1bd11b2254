"""The alert rules and the dashboard: each alert fires on data that asks for it, stays quiet on good data, and says what
to do; each expression of the dashboard is one.
"""

import json
import re
import subprocess
from pathlib import Path

import pytest
import yaml

PACKAGING = Path(__file__).resolve().parents[2] / "packaging"
RULES = PACKAGING / "prometheus" / "danegate.rules.yml"
DASHBOARD = PACKAGING / "grafana" / "danegate.json"
VERDICT = ('danegate_verdicts_total{instance="mx1",service="smtp",rule="r",mode="enforce",'
           'action="%s",result="%s",reason="%s"}')
PASS, TIMEOUT, WEAK = (VERDICT % words for words in (("tag", "pass", "match"), ("defer", "temperror", "dns-timeout"),
                                                     ("defer", "permerror", "weak-digest")))
MONITORED = TIMEOUT.replace("enforce", "monitor")
FAST, SLOW, ALL = (f'danegate_verdict_duration_seconds_bucket{{instance="mx1",le="{le}"}}'
                   for le in ("0.01", "5", "+Inf"))
OVERLOAD = 'danegate_overload_total{instance="mx1",limit="limits.lookups"}'


def of(metric, more=""):
    return f'{metric}{{instance="mx1"{more}}}'


UNRESOLVED = of("danegate_roster_names", ',state="unresolved"')
# alert -> (minutes, series that make it fire, its labels, its summary, series with which it stays quiet)
CASES = {
    "DanegateDown": (5, {'up{job="danegate",instance="mx1"}': "0x60"}, {"job": "danegate", "instance": "mx1"},
                     "danegated on mx1 does not answer", {'up{job="danegate",instance="mx1"}': "1 0 1x60"}),
    "DanegateAbsent": (15, {'up{job="node",instance="mx1"}': "1x60"}, {"job": "danegate"},
                       "Prometheus watches no danegated", {'up{job="danegate",instance="mx1"}': "1x60"}),
    "DanegateRestarts": (20, {of("danegate_start_time_seconds"): "100x4 400x4 700x4 1000x60"}, {"instance": "mx1"},
                         "danegated on mx1 was started 3 times again within half an hour",
                         {of("danegate_start_time_seconds"): "100x4 400x60"}),
    "DanegateReloadFailed": (10, {of("danegate_reload_failing"): "0x2 1x60"}, {"instance": "mx1"},
                             "danegated on mx1 has refused its new configuration",
                             {of("danegate_reload_failing"): "0x2 1x2 0x60"}),
    "DanegateTemperrors": (40, {PASS: "0+3x60", TIMEOUT: "0+3x60"}, {"instance": "mx1", "service": "smtp"},
                           "50% of the verdicts of smtp are temperror",
                           {PASS: "0+100x60", TIMEOUT: "0+3x60", MONITORED: "0+300x60"}),
    "DanegatePermerrors": (60, {WEAK: "0+1x60"}, {"instance": "mx1", "service": "smtp", "reason": "weak-digest"},
                           "The mail server of smtp sends what cannot be judged: weak-digest",
                           {WEAK: "1x60", PASS: "0+9x60"}),
    "DanegateOverload": (40, {OVERLOAD: "0+20x60"}, {"instance": "mx1", "limit": "limits.lookups"},
                         "danegated on mx1 refuses work because of limits.lookups", {OVERLOAD: "0+5x60"}),
    "DanegateSlow": (60, {FAST: "0x80", SLOW: "0+95x80", ALL: "0+100x80"}, {"instance": "mx1"},
                     "One verdict in twenty on mx1 takes more than 5s",
                     {FAST: "0+99x80", SLOW: "0+100x80", ALL: "0+100x80"}),
    "DanegateHeldOff": (45, {of("danegate_held_off_domains"): "2x60"}, {"instance": "mx1"},
                        "2 domain(s) answer nothing to danegated on mx1",
                        {of("danegate_held_off_domains"): "2x20 0x60"}),
    "DanegateRosterUnresolved": (45, {UNRESOLVED: "3x60"}, {"instance": "mx1", "state": "unresolved"},
                                 "3 name(s) that rules name in full cannot be resolved", {UNRESOLVED: "50-10x5 0x60"}),
    "DanegateRosterSignaturesEnd": (30, {of("danegate_roster_signatures_end_timestamp_seconds"): "37800x60"},
                                    {"instance": "mx1"},
                                    "The DNSSEC signatures over a partner's records end in 10h 0m 0s",
                                    {of("danegate_roster_signatures_end_timestamp_seconds"): "172800x60"}),
    "DanegateLogLinesDropped": (5, {of("danegate_log_lines_dropped_total"): "0 0 0 0 0 100x60"}, {"instance": "mx1"},
                                "danegated on mx1 loses lines of its log",
                                {of("danegate_log_lines_dropped_total"): "100x60"}),
}


def promtool(*arguments):
    done = subprocess.run(["promtool", *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          timeout=120)
    assert done.returncode == 0, done.stdout.decode()


def alerts():
    return {rule["alert"]: rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]}


def test_rules_are_sound():
    promtool("check", "rules", RULES)
    for name, rule in alerts().items():
        assert rule["labels"]["severity"] in ("page", "ticket"), name
        assert len(rule["annotations"]["description"]) > 100, f"{name} says what to do"
    assert set(alerts()) == set(CASES)


@pytest.mark.parametrize("alert", CASES)
def test_alert(tmp_path, alert):
    """promtool plays both series; the annotations come out as they would reach the postmaster."""
    minutes, bad, labels, summary, good = CASES[alert]
    rule = alerts()[alert]
    fires = {"exp_labels": {**labels, **rule["labels"]},
             "exp_annotations": {**rule["annotations"], "summary": summary}}

    def play(series, expected):
        return {"interval": "1m",
                "input_series": [{"series": name, "values": values} for name, values in series.items()],
                "alert_rule_test": [{"eval_time": f"{minutes}m", "alertname": alert, "exp_alerts": expected}]}

    test = tmp_path / "test.yml"
    test.write_text(yaml.safe_dump({"rule_files": [str(RULES)], "tests": [play(bad, [fires]), play(good, [])]}))
    promtool("test", "rules", test)


def test_dashboard(tmp_path):
    """Every expression parses once Grafana's variables are filled in, and every panel has its data source and place."""
    panels = [panel for panel in json.loads(DASHBOARD.read_text())["panels"] if panel["type"] != "row"]
    expressions = [target["expr"] for panel in panels for target in panel["targets"]]
    assert len(expressions) >= len(panels) > 10
    filled = [re.sub(r"\$\w+", ".*", each.replace("$__rate_interval", "5m")) for each in expressions]
    rules = [{"record": f"panel:{number}", "expr": each} for number, each in enumerate(filled)]
    file = tmp_path / "dashboard.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]}))
    promtool("check", "rules", file)
    for panel in panels:
        assert panel["datasource"]["uid"] == "${datasource}" and panel["description"], panel["title"]
    places = {(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in panels}
    assert len(places) == len(panels)
