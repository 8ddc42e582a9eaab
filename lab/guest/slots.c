/* Jobs that run until stopped: floods of raw frames at a rate, and held TCP sessions.
 *
 * Each slot has one child and one record in memory shared with it; the child writes, the loop
 * reads. The figures are counters and maxima that stay meaningful when read in the midst of a
 * change.
 */
#include "agent.h"

#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MAX_FRAMES = 32, FRAME_SIZE = 512, BEHIND_US = 50000 };

struct slot {
	_Atomic int64_t sent;
	_Atomic int64_t received; /* held sessions: answers; floods: 0 */
	_Atomic int64_t failed;
	_Atomic int64_t max_gap_us; /* longest time without an answer */
	_Atomic int64_t last_us;    /* when the last one came */
	_Atomic bool broken;        /* the session ended */
	_Atomic pid_t pid;          /* 0: free */
};

struct frame {
	size_t size;
	uint8_t data[FRAME_SIZE];
};

static struct slot *slots;

static struct slot *find_slot(const char *word, FILE *answer)
{
	if (slots == NULL) {
		void *memory = mmap(NULL, sizeof(struct slot) * MAX_SLOTS, PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS, -1, 0);
		if (memory == MAP_FAILED)
			abort();
		slots = memory;
	}
	unsigned long i = strtoul(word, NULL, 10);
	if (i < MAX_SLOTS)
		return &slots[i];
	json_result(answer, false, EINVAL);
	return NULL;
}

static void end_slot(struct slot *slot)
{
	if (slot->pid > 0)
		kill(slot->pid, SIGKILL);
	slot->pid = 0;
}

static int nibble(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool parse_frame(const char *hex, struct frame *ret_frame)
{
	size_t n = strlen(hex);
	if (n % 2 != 0 || n / 2 < ETHER_HDR_LEN || n / 2 > FRAME_SIZE)
		return false;
	for (size_t i = 0; i < n / 2; i++) {
		int high = nibble(hex[2 * i]);
		int low = nibble(hex[2 * i + 1]);
		if (high < 0 || low < 0)
			return false;
		ret_frame->data[i] = (uint8_t)(high << 4 | low);
	}
	ret_frame->size = n / 2;
	return true;
}

/* Frames from word FIRST on, and a packet socket bound to INTERFACE; -1 with errno. */
static int open_frames(const struct request *request, unsigned first, const char *interface,
	struct frame *ret_frames)
{
	for (unsigned i = first; i < request->n_words; i++)
		if (i - first >= MAX_FRAMES ||
			!parse_frame(request->words[i], &ret_frames[i - first])) {
			errno = EINVAL;
			return -1;
		}
	struct sockaddr_ll link = { .sll_family = AF_PACKET,
		.sll_ifindex = (int)if_nametoindex(interface) };
	int fd = link.sll_ifindex ? socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0) : -1;
	if (fd >= 0 && bind(fd, (struct sockaddr *)&link, sizeof link) == 0)
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

/* raw INTERFACE HEX...: send each frame once. */
void slot_raw(const struct request *request, FILE *answer)
{
	static struct frame frames[MAX_FRAMES];
	int fd = open_frames(request, 3, request->words[2], frames);
	bool ok = fd >= 0;
	for (unsigned i = 0; ok && i < request->n_words - 3; i++)
		ok = send(fd, frames[i].data, frames[i].size, 0) >= 0;
	json_result(answer, ok, errno);
	if (fd >= 0)
		close(fd);
}

/* Sleep until the next beat. After a pause (the guest was stopped) the rhythm starts anew: no burst
 * makes up for it. */
static int64_t next_beat(int64_t due, int64_t period_us)
{
	int64_t now = now_us();
	if (now > due + BEHIND_US)
		due = now;
	struct timespec until = { .tv_sec = due / 1000000, .tv_nsec = due % 1000000 * 1000 };
	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
	return due + period_us;
}

static void flood(
	struct slot *slot, int fd, const struct frame *frames, unsigned n, int64_t period_us)
{
	int64_t due = now_us();
	for (unsigned i = 0;; i = (i + 1) % n) {
		if (send(fd, frames[i].data, frames[i].size, 0) >= 0)
			slot->sent++;
		else
			slot->failed++;
		due = next_beat(due, period_us);
	}
}

/* True in the child that is to do the slot's work. */
static bool start_child(struct slot *slot, FILE *answer)
{
	slot->sent = slot->received = slot->failed = slot->max_gap_us = 0;
	slot->broken = false;
	slot->last_us = now_us();
	pid_t pid = fork();
	if (pid == 0)
		return true;
	slot->pid = pid > 0 ? pid : 0;
	json_result(answer, pid > 0, errno);
	return false;
}

static int64_t period_of(const char *hz)
{
	long n = strtol(hz, NULL, 10);
	return n > 0 ? 1000000 / n : 1000000;
}

/* flood SLOT HZ INTERFACE HEX...: send the frames in turn at this rate until stopped. */
void slot_flood(const struct request *request, FILE *answer)
{
	static struct frame frames[MAX_FRAMES];
	struct slot *slot = find_slot(request->words[2], answer);
	if (slot == NULL)
		return;
	end_slot(slot);
	int fd = open_frames(request, 5, request->words[4], frames);
	if (fd < 0) {
		json_result(answer, false, errno);
		return;
	}
	if (start_child(slot, answer))
		flood(slot, fd, frames, request->n_words - 5, period_of(request->words[3]));
	close(fd);
}

static void note_answer(struct slot *slot)
{
	int64_t now = now_us();
	int64_t gap = now - slot->last_us;
	if (gap > slot->max_gap_us)
		slot->max_gap_us = gap;
	slot->last_us = now;
	slot->received++;
}

static void hold(struct slot *slot, int fd, int64_t period_us)
{
	char data[256];
	for (int64_t due = now_us(); !slot->broken; due = next_beat(due, period_us)) {
		if (send(fd, "beat\n", 5, MSG_NOSIGNAL | MSG_DONTWAIT) == 5)
			slot->sent++;
		else if (errno == EAGAIN)
			slot->failed++;
		else
			slot->broken = true;
		ssize_t n;
		while ((n = recv(fd, data, sizeof data, MSG_DONTWAIT)) > 0)
			note_answer(slot);
		if (n == 0 || errno != EAGAIN)
			slot->broken = true;
	}
}

/* hold SLOT IP PORT HZ: keep a session with the relay port of another guest and expect each beat
 * back. */
void slot_hold(const struct request *request, FILE *answer)
{
	struct slot *slot = find_slot(request->words[2], answer);
	if (slot == NULL)
		return;
	end_slot(slot);
	if (!start_child(slot, answer))
		return;
	int fd = net_connect(
		request->words[3], (uint16_t)strtoul(request->words[4], NULL, 10), 3000);
	slot->last_us = now_us();
	if (fd < 0)
		slot->broken = true;
	else
		hold(slot, fd, period_of(request->words[5]));
	_exit(0);
}

/* stat SLOT: the figures so far; "silent_ms" is the time since the last answer. */
void slot_stat(const struct request *request, FILE *answer)
{
	struct slot *slot = find_slot(request->words[2], answer);
	if (slot == NULL)
		return;
	fprintf(answer,
		",\"ok\":true,\"sent\":%lld,\"received\":%lld,\"failed\":%lld,\"max_gap_ms\":%.1f,\"silent_ms\":%.1f",
		(long long)slot->sent, (long long)slot->received, (long long)slot->failed,
		(double)slot->max_gap_us / 1000, (double)(now_us() - slot->last_us) / 1000);
	fprintf(answer, ",\"broken\":%s,\"running\":%s", slot->broken ? "true" : "false",
		slot->pid ? "true" : "false");
}

/* stop SLOT: end it and tell its last figures. */
void slot_stop(const struct request *request, FILE *answer)
{
	struct slot *slot = find_slot(request->words[2], answer);
	if (slot == NULL)
		return;
	end_slot(slot);
	slot_stat(request, answer);
}
