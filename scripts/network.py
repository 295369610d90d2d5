#!/usr/bin/env python3
"""Runs an MPI program on hosts that this machine plays, joined by a network of a given bandwidth and round trip.

    scripts/network.py --hosts 4 --gbit 1 --rtt-ms 0.1 -- volley train --mpi FOLDER   # options of mpirun may come first
    scripts/network.py --hosts 2 --gbit 10 --rtt-ms 1   # what the network gives, by ping and iperf3

Needs Linux, root, a C compiler and Open MPI 4. There is one rank a host. Without `--gbit` or `--rtt-ms`, bandwidth or
delay are what this machine attains. The exit code is that of mpirun.

A host is a network namespace with a name (node0, node1, ...), an address (10.77.0.1, 10.77.0.2, ...) and a TUN device.
All hosts share the files, the memory and the cores of this machine. The devices are joined by a switch, network.c, as
full duplex Ethernet would be: a host sends one packet at a time, for as long as its frames of 1,500 bytes take, and
receives likewise, so that the packets of several senders queue. Then each packet is held for half the round trip. None
is lost. TCP's congestion control is Reno, which is as good as any where nothing is lost.

The switch copies each packet twice, and so takes processor time from the program. Where it gets too little, the network
is slower than asked: do not believe a figure before the network itself is measured. A tenth of the bandwidth with ten
times the round trip is the same network, ten times slower, and takes a tenth of the processor time in a second.

All ends with this process, also when it is killed: the namespaces with their last processes, these with the first one.
"""

import argparse
import fcntl
import os
import re
import signal
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

NETWORK = "10.77.0."
DEVICE = "volley"
# What reading, waking up and writing take of a delay, in microseconds.
SWITCH = 50
# For how long the bandwidth is measured.
SECONDS = 5
# <linux/if_tun.h>: packets of up to 64 kB, which need no check sums, with a header that says how to segment them.
TUNSETIFF, TUNSETOFFLOAD = 0x400454CA, 0x400454D0
IFF_TUN, IFF_NO_PI, IFF_VNET_HDR = 0x0001, 0x1000, 0x4000
TUN_F_CSUM, TUN_F_TSO4 = 0x01, 0x02


class Host:
    def __init__(self, number):
        self.name = f"node{number}"
        self.address = f"{NETWORK}{1 + number}"
        # It keeps the namespaces until its input is closed, by us or by our end.
        self.keeper = subprocess.Popen(
            ["unshare", "--net", "--uts", "sh", "-c", f"hostname {self.name} && echo && exec cat"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True)  # fmt: skip
        if not self.keeper.stdout.readline():
            sys.exit("no network namespaces: this needs Linux and root")
        self.device = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
        name = f"{DEVICE}{os.getpid()}"
        flags = IFF_TUN | IFF_NO_PI | IFF_VNET_HDR
        fcntl.ioctl(self.device, TUNSETIFF, struct.pack("16sH22x", name.encode(), flags))
        fcntl.ioctl(self.device, TUNSETOFFLOAD, TUN_F_CSUM | TUN_F_TSO4)
        subprocess.run(["ip", "link", "set", name, "netns", str(self.keeper.pid), "name", DEVICE], check=True)
        self.run("ip", "address", "add", f"{self.address}/24", "dev", DEVICE)
        self.run("ip", "link", "set", DEVICE, "txqueuelen", "10000", "up")
        self.run("ip", "link", "set", "lo", "up")
        # The only one that every namespace allows and that does not guess the bandwidth of a flow with pauses.
        self.run("sysctl", "-qw", "net.ipv4.tcp_congestion_control=reno")

    def inside(self, *command):
        return ["nsenter", "--target", str(self.keeper.pid), "--net", "--uts", *command]

    def run(self, *command):
        return subprocess.run(self.inside(*command), check=True, stdout=subprocess.PIPE, text=True).stdout


def start_switch(hosts, gbit, rtt_ms, folder):
    program = folder / "switch"
    source = Path(__file__).with_suffix(".c")
    subprocess.run(["cc", "-O2", "-o", program, source], check=True)
    delay = max(0, 500 * rtt_ms - SWITCH)
    devices = [host.device for host in hosts]
    # The scheduler must not let it wait for the program. It ends when its input is closed, as hosts do.
    return subprocess.Popen(
        ["chrt", "--fifo", "1", program, *map(str, [gbit, delay, *devices])],
        stdin=subprocess.PIPE, pass_fds=devices, start_new_session=True)  # fmt: skip


def run_mpi(hosts, command, folder):
    """Runs a command by mpirun on the first host, in a namespace of processes that all end with mpirun."""
    agent = folder / "agent"
    entries = [f"{host.address}) exec {' '.join(host.inside())} sh -c \"$*\" ;;" for host in hosts]
    agent.write_text("\n".join(["#!/bin/sh", "host=$1", "shift", 'case "$host" in', *entries, "esac", "exit 1\n"]))
    agent.chmod(0o700)
    settings = {
        "plm_rsh_agent": agent,
        "oob_tcp_if_include": DEVICE,
        "btl_tcp_if_include": DEVICE,
        "pml": "ob1",
        "btl": "self,tcp",
        "mpi_yield_when_idle": 1,  # the hosts share cores
    }
    mpirun = ["mpirun", "--allow-run-as-root", "--bind-to", "none", "--host", ",".join(h.address for h in hosts)]
    mpirun += [word for name, value in settings.items() for word in ("--mca", name, str(value))]
    alone = ["setpriv", "--pdeathsig", "KILL", "unshare", "--pid", "--fork", "--kill-child"]
    environment = {**os.environ, "TMPDIR": str(folder)}
    return subprocess.run([*alone, *hosts[0].inside(*mpirun), *command], env=environment).returncode


def measure(hosts, switch):
    """Prints the round trip of each pair of hosts, and their bandwidths while all pairs send at once."""
    pairs = list(zip(hosts[::2], hosts[1::2]))
    for client, server in pairs:
        ping = client.run("ping", "-q", "-c", "500", "-i", "0.005", server.address)
        low, mean, high = re.search(r"= ([\d.]+)/([\d.]+)/([\d.]+)/", ping).groups()
        print(f"{client.name} to {server.name}: round trip {mean} ms ({low} to {high})")
    quiet = {"stdout": subprocess.PIPE, "text": True}
    serve = ["iperf3", "--server", "--one-off", "--forceflush"]
    servers = [subprocess.Popen(server.inside(*serve), **quiet) for _, server in pairs]
    for process in servers:
        while "listening" not in process.stdout.readline():
            pass
    before = processor_seconds(switch)
    ask = ["iperf3", "--time", str(SECONDS), "--format", "m", "--client"]
    clients = [subprocess.Popen(client.inside(*ask, server.address), **quiet) for client, server in pairs]
    for (client, server), process in zip(pairs, clients):
        bandwidth = re.search(r"([0-9]+) Mbits/sec +receiver", process.communicate()[0])[1]
        print(f"{client.name} to {server.name}: {bandwidth} Mbit/s of data in TCP")
    print(f"the switch takes {(processor_seconds(switch) - before) / SECONDS:.0%} of a core")
    for process in servers:
        process.communicate()


def processor_seconds(process):
    times = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    return sum(map(int, times)) / os.sysconf("SC_CLK_TCK")


def main():
    split = sys.argv.index("--") if "--" in sys.argv else len(sys.argv)
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hosts", type=int, default=2)
    parser.add_argument("--gbit", type=float, default=0, help="bandwidth of each host and direction, in Gbit/s")
    parser.add_argument("--rtt-ms", type=float, default=0, help="round trip of a small packet, in milliseconds")
    options = parser.parse_args(sys.argv[1:split])
    command = sys.argv[split + 1 :]

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    with tempfile.TemporaryDirectory(prefix="volley-network-") as folder:
        hosts = [Host(number) for number in range(options.hosts)]
        switch = start_switch(hosts, options.gbit, options.rtt_ms, Path(folder))
        if command:
            sys.exit(run_mpi(hosts, command, Path(folder)))
        measure(hosts, switch)


if __name__ == "__main__":
    main()
