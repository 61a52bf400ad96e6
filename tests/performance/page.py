"""The page and the plots, from what the parts have found."""

import json
import sys

from .drives import TREES
from .measure import MIB, RESULTS, ROOT

REFERENCE = ROOT / "docs" / "reference"
PLOTS = REFERENCE / "plots"
HEAD = """# Performance

Made by `tests/long bench`; each part says when, at which commit and on what. CPU seconds are user and system time of all processes of a command, FUSE daemons among them, medians of interleaved rounds; others encrypt nothing. All read from the page cache: `prep` takes long files out of it, so it is filled before each command. The load is that of the machine beside the bench; figures are compared only within one run.
"""


# Whom each of ours is compared with.
PEERS = {"`stage`": "`restic backup`", "`vault restore`": "`restic restore`"}


def found(part):
    path = RESULTS / f"{part}.json"
    return json.loads(path.read_text()) if path.exists() else sys.exit(f"{part} has not been run: there is no {path}")


def about(result):
    rounds = "one round" if result["rounds"] == 1 else f"{result['rounds']} rounds"
    return f"{result['day']}, commit {result['commit']}, {result['machine']}, {rounds}, load {result['load']:.1f}."


def table(head, rows):
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def tree(key, result):
    what, _, goal, goal_of_four = TREES[key]
    found = result["found"]
    script = found["`cp -a; md5sum; sha256sum`"][0]
    own = found["`prep`, one image"][0]
    rows = [[name, f"{secs:.2f}", f"{secs / script:.2f}", f"{own / secs:.2f}", f"{memory:.0f}"]
            for name, (secs, memory) in found.items()]
    goals = "" if goal is None else f" Goal: {goal:.2f} of the script" + (
        "." if goal_of_four is None else f", {goal_of_four:.2f} with four images.")
    return (f"\n## {what}\n\n{about(result)}{goals}\n\n"
            + table(["command", "CPU s", "of the script", "`prep` of this", "memory, MiB"], rows))


def several(result):
    rows = [[str(row["drives"]), f"{row['dd']:.0f}", f"{row['fill']:.0f}", f"{row['fill'] / row['dd']:.3f}",
             f"{row['cpu_per_gib']:.2f}"] for row in result["found"]]
    return (f"\n## Several drives at once\n\n{about(result)} Goal: 0.98 with one drive, 0.97 with several. Image files on loop devices "
            "that take 50 MB/s each, 1 GiB for each; `dd` writes past the page cache, one for each device, all at once. How many "
            "cores there are is nothing that the filler looks at: the number of its threads follows from that of the drives.\n\n"
            + table(["drives", "`dd`, MB/s", "fill, MB/s", "of `dd`", "CPU s/GiB"], rows)
            + "\n![Throughput by number of drives](plots/drives.svg)\n")


def larger(result):
    rows = [[name, f"{wall:.1f}", f"{cpu:.2f}", f"{memory:.0f}"] for name, (wall, cpu, memory) in result["found"].items()]
    return (f"\n## A tree larger than memory\n\n{about(result)} 4 GiB that no cache holds, 1 GiB of memory for command and page cache, one "
            "loop device that takes 100 MB/s.\n\n" + table(["command", "wall s", "CPU s", "memory, MiB"], rows))


def files(result):
    least = result["found"][0]

    def cell(row, name):
        (secs, mib), few = row[name], least[name][1]
        more = (mib - few) * MIB / max(row["files"] - least["files"], 1)
        return f"{secs:.2f}, {mib:.0f}" + (f", {more:.0f}" if row is not least else "")

    rows = [[f"{row['files']:,}".replace(",", " "), *(cell(row, name) for name in ("plan", "prep", "verify"))]
            for row in result["found"]]
    return (f"\n## Memory by the number of files\n\n{about(result)} Empty files, 1000 a folder, names of 21 letters. Bytes a file are "
            "what a command takes above what it takes for 1000 files.\n\n"
            + table(["files", "`plan`: CPU s, MiB, bytes a file", "`prep`", "`verify`"], rows)
            + "\n![CPU time and memory by number of files](plots/files.svg)\n")


def staged(result):
    rows = []
    for what, figures in result["found"].items():
        for name, (secs, memory, size) in figures.items():
            peer = figures[PEERS.get(name, name)][0]
            rows.append([what, name, f"{secs:.2f}", f"{secs / peer:.2f}", f"{memory:.0f}", "" if size is None else f"{size:.0f}"])
    return (f"\n## Staged and restored\n\n{about(result)} Goals: `stage` 0.80 of restic's CPU, `vault restore` 0.90 in at most 300 MiB. "
            "Every second file can be packed to about half. Both make a repository of the same format, at the same level and pack "
            "size. `vault restore` reads it from the emulator over TLS, `restic restore` from its folder.\n\n"
            + table(["tree", "command", "CPU s", "of restic's", "memory, MiB", "repository, MiB"], rows))


def kernels(result):
    rows = [[name, f"{speed:.2f}"] for name, speed in result["found"].items()]
    return (f"\n## Kernels\n\n{about(result)} One core, 64 MiB that no cache holds, CPU time of the thread; each is checked against the "
            "portable crates before it is timed.\n\n" + table(["kernel", "GiB/s"], rows))


def plots(by_drives, by_files):
    import matplotlib

    matplotlib.use("Agg")
    # The same file from the same figures.
    matplotlib.rcParams.update({"svg.hashsalt": "azseed", "axes.grid": True, "grid.alpha": 0.3, "figure.figsize": (7, 4)})
    from matplotlib import pyplot

    PLOTS.mkdir(exist_ok=True)

    def save(figure, name):
        figure.tight_layout()
        figure.savefig(PLOTS / f"{name}.svg", metadata={"Date": None})
        figure.savefig(PLOTS / f"{name}.png", dpi=120, metadata={"Software": None})
        pyplot.close(figure)

    figure, axes = pyplot.subplots()
    numbers = [row["drives"] for row in by_drives]
    axes.plot(numbers, [row["dd"] for row in by_drives], "s--", color="0.5", label="dd, one a drive")
    axes.plot(numbers, [row["fill"] for row in by_drives], "o-", label="azseed prep")
    axes.set(xlabel="drives of 50 MB/s", ylabel="MB/s", xticks=numbers, ylim=(0, None), title="Throughput by number of drives")
    axes.legend()
    save(figure, "drives")
    figure, (cost, memory) = pyplot.subplots(1, 2, figsize=(10, 4))
    numbers = [row["files"] for row in by_files]
    for name, mark in (("plan", "s"), ("prep", "o"), ("verify", "^")):
        cost.plot(numbers, [row[name][0] for row in by_files], f"{mark}-", label=name)
        memory.plot(numbers, [row[name][1] for row in by_files], f"{mark}-", label=name)
    cost.set(xscale="log", yscale="log", xlabel="files", ylabel="CPU s", title="CPU time by number of files")
    memory.set(xscale="log", yscale="log", xlabel="files", ylabel="MiB", title="Memory by number of files")
    cost.legend()
    save(figure, "files")


def page():
    """Writes docs/reference/performance.md and its plots; all parts must have been run."""
    written = [HEAD, *(tree(key, found(key)) for key in TREES)]
    written += [several(found("several")), larger(found("larger")), files(found("files")), staged(found("staged")),
                kernels(found("kernels"))]
    (REFERENCE / "performance.md").write_text("".join(written))
    plots(found("several")["found"], found("files")["found"])
