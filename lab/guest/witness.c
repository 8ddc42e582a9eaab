/* The witness: every frame that arrives, counted by interface, addresses, protocol and destination
 * port.
 *
 * It listens on a packet socket, before any filter of the guest, so a frame that was let through to
 * this guest is seen here whatever the guest makes of it. Frames of a kind beyond MAX_FLOWS are
 * counted together as "other".
 */
#include "agent.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

enum { BATCH = 64, HEADERS = 128 };

/* Compared as bytes: always cleared first. */
struct flow_key {
	uint8_t source_mac[ETH_ALEN];
	uint16_t ethertype;
	uint8_t source[16], destination[16]; /* IPv4 in the first four */
	uint16_t port;                       /* destination port, or ICMP type */
	uint8_t protocol;
	bool syn; /* the first packet of a connection */
	int interface;
};

struct flow {
	struct flow_key key;
	uint64_t n;
};

static struct flow flows[MAX_FLOWS];
static unsigned n_flows;
static uint64_t n_other;

int witness_open(void)
{
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, htons(ETH_P_ALL));
	int space = 4 << 20;
	if (fd >= 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &space, sizeof space);
	return fd;
}

static void read_transport(const uint8_t *data, size_t size, struct flow_key *key)
{
	if ((key->protocol == IPPROTO_TCP || key->protocol == IPPROTO_UDP) && size >= 4)
		key->port = (uint16_t)(data[2] << 8 | data[3]);
	if ((key->protocol == IPPROTO_ICMP || key->protocol == IPPROTO_ICMPV6) && size >= 1)
		key->port = data[0];
	if (key->protocol == IPPROTO_TCP && size >= 14)
		key->syn = (data[13] & (TH_SYN | TH_ACK)) == TH_SYN;
}

static void read_headers(const uint8_t *frame, size_t size, struct flow_key *key)
{
	memcpy(key->source_mac, frame + ETH_ALEN, ETH_ALEN);
	key->ethertype = (uint16_t)(frame[12] << 8 | frame[13]);
	const uint8_t *packet = frame + ETHER_HDR_LEN;
	size_t left = size - ETHER_HDR_LEN;
	if (key->ethertype == ETHERTYPE_IP && left >= sizeof(struct iphdr)) {
		size_t header = (size_t)(packet[0] & 15) * 4;
		key->protocol = packet[9];
		memcpy(key->source, packet + 12, 4);
		memcpy(key->destination, packet + 16, 4);
		if (left > header)
			read_transport(packet + header, left - header, key);
	} else if (key->ethertype == ETHERTYPE_IPV6 && left >= sizeof(struct ip6_hdr)) {
		key->protocol = packet[6];
		memcpy(key->source, packet + 8, 16);
		memcpy(key->destination, packet + 24, 16);
		read_transport(packet + sizeof(struct ip6_hdr), left - sizeof(struct ip6_hdr), key);
	}
}

static void count(const struct flow_key *key)
{
	for (unsigned i = 0; i < n_flows; i++)
		if (memcmp(&flows[i].key, key, sizeof *key) == 0) {
			flows[i].n++;
			return;
		}
	if (n_flows == MAX_FLOWS) {
		n_other++;
		return;
	}
	flows[n_flows].key = *key;
	flows[n_flows++].n = 1;
}

void witness_read(int fd)
{
	uint8_t frame[HEADERS];
	for (int i = 0; i < BATCH; i++) {
		struct sockaddr_ll from = { 0 };
		socklen_t from_size = sizeof from;
		ssize_t n = recvfrom(
			fd, frame, sizeof frame, 0, (struct sockaddr *)&from, &from_size);
		if (n < 0)
			return;
		if (from.sll_pkttype == PACKET_OUTGOING || n < ETHER_HDR_LEN)
			continue;
		struct flow_key key;
		memset(&key, 0, sizeof key);
		key.interface = from.sll_ifindex;
		read_headers(frame, (size_t)n, &key);
		count(&key);
	}
}

static void print_flow(const struct flow *flow, FILE *answer)
{
	const struct flow_key *k = &flow->key;
	char name[IF_NAMESIZE] = "";
	char source[INET6_ADDRSTRLEN] = "";
	char destination[INET6_ADDRSTRLEN] = "";
	if_indextoname((unsigned)k->interface, name);
	if (k->ethertype == ETHERTYPE_IP || k->ethertype == ETHERTYPE_IPV6) {
		int family = k->ethertype == ETHERTYPE_IP ? AF_INET : AF_INET6;
		inet_ntop(family, k->source, source, sizeof source);
		inet_ntop(family, k->destination, destination, sizeof destination);
	}
	const uint8_t *m = k->source_mac;
	fprintf(answer, "{\"nic\":\"%s\",\"mac\":\"%02x:%02x:%02x:%02x:%02x:%02x\",\"type\":%u,",
		name, m[0], m[1], m[2], m[3], m[4], m[5], k->ethertype);
	fprintf(answer,
		"\"src\":\"%s\",\"dst\":\"%s\",\"proto\":%u,\"port\":%u,\"syn\":%s,\"n\":%llu}",
		source, destination, k->protocol, k->port, k->syn ? "true" : "false",
		(unsigned long long)flow->n);
}

static bool wanted(const struct request *request, const struct flow_key *key)
{
	if (request->n_words < 4)
		return true;
	char want[32];
	snprintf(want, sizeof want, "%u %u", key->protocol, key->port);
	char asked[32];
	snprintf(asked, sizeof asked, "%s %s", request->words[2], request->words[3]);
	return strcmp(want, asked) == 0;
}

/* seen [PROTOCOL PORT]: the counters, all of them or of one protocol number and port. */
void witness_seen(const struct request *request, FILE *answer)
{
	fprintf(answer, ",\"ok\":true,\"other\":%llu,\"seen\":[", (unsigned long long)n_other);
	const char *comma = "";
	for (unsigned i = 0; i < n_flows && ftell(answer) < LINE_SIZE - 512; i++)
		if (wanted(request, &flows[i].key)) {
			fputs(comma, answer);
			print_flow(&flows[i], answer);
			comma = ",";
		}
	fputc(']', answer);
}

/* forget: start counting anew. */
void witness_forget(const struct request *request, FILE *answer)
{
	(void)request;
	n_flows = 0;
	n_other = 0;
	json_result(answer, true, 0);
}
