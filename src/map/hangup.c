#include "map/hangup.h"

#include <errno.h>
#include <gio/gio.h>
#include <glib/gstdio.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

struct map_hangup {
	int epoll;
	int stop; /* eventfd; watched as connection 0 */
	GThread *thread;
	map_hangup_fn on_hangup;
	gpointer data;
};

static gpointer watch_main(gpointer data)
{
	struct map_hangup *hangup = data;
	struct epoll_event events[64];

	for (;;) {
		int n = epoll_wait(hangup->epoll, events, G_N_ELEMENTS(events), -1);
		for (int i = 0; i < n; i++) {
			if (events[i].data.u64 == 0)
				return NULL;
			hangup->on_hangup(events[i].data.u64, hangup->data);
		}
	}
}

struct map_hangup *map_hangup_new(map_hangup_fn on_hangup, gpointer data, GError **error)
{
	struct map_hangup *hangup = g_new0(struct map_hangup, 1);
	hangup->on_hangup = on_hangup;
	hangup->data = data;
	hangup->epoll = epoll_create1(EPOLL_CLOEXEC);
	hangup->stop = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	struct epoll_event event = { .events = EPOLLIN };
	if (hangup->epoll < 0 || hangup->stop < 0 ||
		epoll_ctl(hangup->epoll, EPOLL_CTL_ADD, hangup->stop, &event) < 0) {
		g_set_error(error, G_IO_ERROR, g_io_error_from_errno(errno),
			"cannot watch connections: %s", g_strerror(errno));
		map_hangup_free(hangup);
		return NULL;
	}
	hangup->thread = g_thread_new("map-hangup", watch_main, hangup);
	return hangup;
}

void map_hangup_free(struct map_hangup *hangup)
{
	if (!hangup)
		return;
	if (hangup->thread) {
		(void)eventfd_write(hangup->stop, 1);
		g_thread_join(hangup->thread);
	}
	if (hangup->epoll >= 0)
		(void)g_close(hangup->epoll, NULL);
	if (hangup->stop >= 0)
		(void)g_close(hangup->stop, NULL);
	g_free(hangup);
}

void map_hangup_add(struct map_hangup *hangup, int fd, guint64 connection)
{
	struct epoll_event event = {
		.events = EPOLLRDHUP | EPOLLONESHOT,
		.data.u64 = connection,
	};
	/* Failing (no memory) costs only the early notice. */
	(void)epoll_ctl(hangup->epoll, EPOLL_CTL_ADD, fd, &event);
}

void map_hangup_remove(struct map_hangup *hangup, int fd)
{
	(void)epoll_ctl(hangup->epoll, EPOLL_CTL_DEL, fd, NULL);
}
