// The switch of network.py: hands the packets of TUN devices to each other, with limited bandwidth and delay.
//
//   network GBIT DELAY DEVICE... (standard input: ends with it)
//
// GBIT is in 10^9 bits a second, 0 for no limit, and DELAY in microseconds. DEVICE k is the open descriptor of host k's
// device, which has the address 10.77.0.(1 + k) and gives each packet with a `struct virtio_net_hdr` before it.

#define _GNU_SOURCE
#include <err.h>
#include <linux/virtio_net.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

enum { MAX_HOSTS = 250, MAX_PACKET = 65535, IP_HEADER = 20, IP_DESTINATION = 16 };
// An Ethernet frame around a packet of IP: preamble, header, check sum and gap.
enum { FRAME = 8 + 14 + 4 + 12 };

struct packet {
    struct packet *next;
    int64_t due;
    size_t length;  // of the content
    struct {
        struct virtio_net_hdr header;
        uint8_t ip[MAX_PACKET];
    } content;
};

// Times are nanoseconds of the monotonic clock. A host's packets are due in the order of its queue.
struct host {
    int device;
    int64_t sends, receives;  // from when on its link can carry another packet, each way
    struct packet *first, **last;
};

static struct host hosts[MAX_HOSTS];
static int host_count;
static struct packet *unused;

static int64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static int64_t later(int64_t a, int64_t b) { return a > b ? a : b; }

// The bytes that a packet takes on the wire. A large one is a row of segments, each with the same headers.
static int64_t wire_bytes(const struct packet *packet) {
    const struct virtio_net_hdr *header = &packet->content.header;
    int64_t length = packet->length - sizeof *header, headers = header->hdr_len, frames = 1;
    if (header->gso_type != VIRTIO_NET_HDR_GSO_NONE)
        frames = (length - headers + header->gso_size - 1) / header->gso_size;
    return length + (frames - 1) * headers + frames * FRAME;
}

// The host that a packet is for; none for broadcasts and other protocols.
static struct host *destination(const struct packet *packet) {
    const uint8_t *ip = packet->content.ip, *address = ip + IP_DESTINATION;
    if (packet->length < sizeof packet->content.header + IP_HEADER || ip[0] >> 4 != 4) return NULL;
    bool known = address[0] == 10 && address[1] == 77 && address[2] == 0 && address[3] >= 1 && address[3] <= host_count;
    return known ? &hosts[address[3] - 1] : NULL;
}

// Reads a packet and queues it at its destination.
static void take(struct host *sender, double nanoseconds_a_byte, int64_t delay) {
    struct packet *packet = unused ? unused : malloc(sizeof *packet);
    if (!packet) err(1, "no memory for packets");
    unused = unused ? unused->next : NULL;
    ssize_t length = read(sender->device, &packet->content, sizeof packet->content);
    packet->length = length < 0 ? 0 : length;
    struct host *receiver = destination(packet);
    if (!receiver) {
        packet->next = unused;
        unused = packet;
        return;
    }
    int64_t time = wire_bytes(packet) * nanoseconds_a_byte, start = later(now(), sender->sends);
    sender->sends = start + time;
    receiver->receives = later(start, receiver->receives) + time;
    packet->due = receiver->receives + delay;
    packet->next = NULL;
    *receiver->last = packet;
    receiver->last = &packet->next;
}

// Writes what is due at a host.
static void give(struct host *receiver) {
    while (receiver->first && receiver->first->due <= now()) {
        struct packet *packet = receiver->first;
        // The device refuses packets only while it is being removed.
        if (write(receiver->device, &packet->content, packet->length) < 0) warn("a packet is lost");
        receiver->first = packet->next;
        if (!receiver->first) receiver->last = &receiver->first;
        packet->next = unused;
        unused = packet;
    }
}

int main(int count, char **arguments) {
    host_count = count - 3;
    if (host_count < 1 || host_count > MAX_HOSTS) errx(1, "usage: network GBIT DELAY DEVICE...");
    double gbit = atof(arguments[1]), nanoseconds_a_byte = gbit > 0 ? 8 / gbit : 0;
    int64_t delay = 1000 * atof(arguments[2]);
    struct pollfd events[1 + MAX_HOSTS] = {{.fd = 0, .events = POLLIN}};
    for (int k = 0; k < host_count; k++) {
        hosts[k].device = events[1 + k].fd = atoi(arguments[3 + k]);
        hosts[k].last = &hosts[k].first;
        events[1 + k].events = POLLIN;
    }
    prctl(PR_SET_TIMERSLACK, 1);
    for (;;) {
        int64_t due = INT64_MAX;
        for (int k = 0; k < host_count; k++)
            if (hosts[k].first && hosts[k].first->due < due) due = hosts[k].first->due;
        int64_t wait = later(due - now(), 0);
        struct timespec limit = {wait / 1000000000, wait % 1000000000};
        if (ppoll(events, 1 + host_count, due == INT64_MAX ? NULL : &limit, NULL) < 0) err(1, "poll");
        if (events[0].revents) return 0;
        for (int k = 0; k < host_count; k++) {
            if (events[1 + k].revents & POLLIN) take(&hosts[k], nanoseconds_a_byte, delay);
            give(&hosts[k]);
        }
    }
}
