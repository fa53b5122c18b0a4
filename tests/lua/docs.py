"""The bindings, docs/lua-api.md and scripts/ipclab.d.lua name the same things, each of them all.

usage: docs.py DUMP-PROGRAM ROOT
"""
import re
import subprocess
import sys

# Records that the bindings build by hand: the page's row, and the class in the stubs.
RECORDS = {
    "run:ended": "Ended", "run:findings": "Finding", "run:flows": "Flow", "state:proc": "Proc", "state:fds": "Fd",
    "state:object": "Object", "state:holders": "Holder", "state:waits": "Wait",
}
# Classes of the stubs whose fields the bindings list themselves.
CLASSES = {
    "Lab": "lab", "Actor": "lab.actors", "Variant": "lab.variants", "Knob": "lab.knobs",
    "Prediction": "lab.prediction", "Option": "lab.prediction.options", "Goal": "lab.goals", "Grader": "grader", "RunSpec": "spec",
    "Check": "grader.checks", "Failure": "fail", "Event": "event", "Run": "run", "State": "state",
}


def section(page, title):
    match = re.search(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", page, re.M | re.S)
    assert match, f"no section '{title}'"
    return match.group(1)


def rows(text):
    """The cells of each row of the tables of a text, heads left out; `\\|` is a bar inside a cell."""
    for line in text.splitlines():
        if line.startswith("|") and not re.match(r"\| (field|call|---)", line):
            yield [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]


def keys(text):
    """The names in `{a=, b={...}, options={ {c=} }}`, each with its path."""
    found, path, last = [], [], ""
    for token in re.findall(r"\w+(?==(?!=))|[{}]", text):
        if token == "{":
            path.append(last)
            last = ""
        elif token == "}":
            last = path.pop()
        else:
            found.append(".".join([part for part in path if part] + [token]))
            last = token
    return found


def declared(page, title, prefix):
    names = set()
    for field, kind, *_ in rows(section(page, title)):
        name = field.strip("`")
        names.add(f"{prefix}.{name}")
        for code in re.findall(r"`([^`]*\{[^`]*)`", kind):
            names |= {f"{prefix}.{name}.{key}" for key in keys(code)}
    return names


def named(text, lead, prefix):
    """Names in the `{...}` that follows a few words."""
    match = re.search(lead + r"(\{[^`]*)`", text)
    assert match, f"nothing after '{lead}'"
    return {f"{prefix}.{key}" for key in keys(match.group(1))}


def methods(page, title):
    names, records = set(), {}
    for calls, gives in rows(section(page, title)):
        for owner, mark, name in re.findall(r"`(\w+)([.:])(\w+)", calls):
            names.add(f"{owner}.{name}")
            record = RECORDS.get(f"{owner}:{name}") if mark == ":" else None
            if record:
                code = re.search(r"`(\{[^`]*)`", gives).group(1)
                also = re.findall(r"`(\w+)`", gives.split("also")[1]) if "also" in gives else []
                records[record] = set(keys(code)) | set(also)
    return names, records


def from_page(page):
    names = {f"global.{name}" for name in re.findall(r"`(\w+)`", page.split("what this page lists")[0])
             if name not in ("lab", "grader")}
    names |= declared(page, "lab{...}", "lab") | declared(page, "grader{...}", "grader")
    text = section(page, "grader{...}")
    names |= named(text, "A run spec: `", "spec") | named(text, "A check: `", "grader.checks")
    names |= named(text, "\n`fail", "fail")
    run, records = methods(page, "run")
    state, more = methods(page, "state")
    names |= run | state
    for fields, *_ in rows(section(page, "event")):
        names |= {f"event.{name}" for name in re.findall(r"`(\w+)`", fields)}
    return names, records | more


def from_stubs(stubs):
    names, records = set(), {}
    for block in re.split(r"(?=^---@class )", stubs, flags=re.M)[1:]:
        name = re.match(r"---@class ipclab\.(\w+)", block).group(1)
        fields = set(re.findall(r"^---@field (\w+)", block, re.M))
        fields |= set(re.findall(r"^function \w+:(\w+)", block, re.M))
        if name in CLASSES:
            names |= {f"{CLASSES[name]}.{field}" for field in fields}
        else:
            records[name] = fields
    return names, records


def complain(what, missing):
    for name in sorted(missing):
        print(f"{what}: {name}")
    return len(missing)


def main():
    dump, root = sys.argv[1:]
    have = set(subprocess.run([dump], capture_output=True, text=True, check=True).stdout.split())
    with open(f"{root}/docs/lua-api.md", encoding="utf-8") as file:
        page, page_records = from_page(file.read())
    with open(f"{root}/scripts/ipclab.d.lua", encoding="utf-8") as file:
        stubs, stub_records = from_stubs(file.read())
    own = {name for name in have if not name.startswith("global.")}
    wrong = complain("not in the page", have - page) + complain("only in the page", page - have)
    wrong += complain("not in the stubs", own - stubs) + complain("only in the stubs", stubs - own)
    for record in RECORDS.values():
        in_page, in_stubs = page_records.get(record, set()), stub_records.get(record, set())
        wrong += complain(f"{record}, only in the page", in_page - in_stubs)
        wrong += complain(f"{record}, only in the stubs", in_stubs - in_page)
    assert len(have) > 100 and all(page_records[record] for record in RECORDS.values())
    sys.exit(1 if wrong else 0)


main()
