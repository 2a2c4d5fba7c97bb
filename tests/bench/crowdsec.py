"""A crowdsec that counts refused recipients by login, in a folder of its own: its replay of a log (-dsn)."""

import socket
import subprocess
from pathlib import Path

CONFIG = """
common: {{daemonize: false, log_media: stdout, log_level: info}}
config_paths: {{config_dir: {folder}, data_dir: {folder}/data, simulation_path: {folder}/simulation.yaml,
               hub_dir: {folder}/hub, index_path: {folder}/hub/.index.json}}
crowdsec_service: {{acquisition_path: {folder}/acquis.yaml, parser_routines: 1}}
db_config: {{type: sqlite, db_path: {folder}/data/crowdsec.db}}
api:
  client: {{credentials_path: {folder}/credentials.yaml}}
  server: {{log_level: error, listen_uri: "127.0.0.1:{port}", profiles_path: {folder}/profiles.yaml}}
prometheus: {{enabled: false}}
"""
FILES = {
    "simulation.yaml": "simulation: false\n",
    "hub/.index.json": '{"parsers": {}, "scenarios": {}, "collections": {}, "postoverflows": {}}',
    "acquis.yaml": "filenames:\n  - /dev/null\nlabels:\n  type: exim\n",
    "profiles.yaml": 'name: none\nfilters: ["false"]\ndecisions: [{type: ban, duration: 4h}]\non_success: break\n',
    "patterns/none": "",
    "parsers/s00-raw/exim.yaml": """
name: bench/raw
filter: "evt.Line.Labels.type == 'exim'"
onsuccess: next_stage
statics: [{target: evt.StrTime, expression: "'-'"}]
""",
    "parsers/s01-parse/exim.yaml": """
name: bench/exim
filter: "evt.Line.Labels.type == 'exim'"
onsuccess: next_stage
grok:
  pattern: '^%{DATA:stamp} H=.* A=[^ :]+:%{NOTSPACE:user} rejected RCPT <'
  apply_on: Line.Raw
statics:
  - {meta: log_type, value: rcpt}
  - {meta: user, expression: evt.Parsed.user}
  - {target: evt.StrTime, expression: evt.Parsed.stamp}
""",
    "parsers/s02-enrich/time.yaml": """
name: bench/time
filter: "evt.StrTime != ''"
statics:
  - {method: ParseDate, expression: evt.StrTime}
  - {target: MarshaledTime, expression: evt.Enriched.MarshaledTime}
""",
    "scenarios/exim.yaml": """
name: bench/exim
type: leaky
description: "refused recipients"
filter: "evt.Meta.log_type == 'rcpt'"
groupby: evt.Meta.user
scope: {type: Username, expression: evt.Meta.user}
capacity: 99
leakspeed: 36s
blackhole: 1h
labels: {remediation: true}
""",
}


def command(folder, log):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    for name, text in {**FILES, "config.yaml": CONFIG.format(folder=folder, port=port), "data/.here": ""}.items():
        path = Path(folder, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    config = f"{folder}/config.yaml"
    subprocess.run(["cscli", "-c", config, "machines", "add", "-a", "--force", "-f", f"{folder}/credentials.yaml"],
                   check=True, capture_output=True)
    return ["crowdsec", "-c", config, "-dsn", f"file://{log}", "-type", "exim"]
