#include "host/enforce_sandbox.h"

#include <errno.h>
#include <gio/gio.h>
#include <linux/capability.h>
#include <seccomp.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Reading and writing, memory, time, signals, the main loop, netlink and local sockets, the state
 * file. */
static const char *const allowed[] = { "accept4", "access", "bind", "brk", "clock_gettime",
	"clock_nanosleep", "close", "connect", "dup", "epoll_create1", "epoll_ctl", "epoll_wait",
	"eventfd2", "exit", "exit_group", "fcntl", "fdatasync", "fstat", "fsync", "ftruncate",
	"futex", "getdents64", "getegid", "getpeername", "geteuid", "getgid", "getpid", "getppid",
	"getrandom", "getsockname", "getsockopt", "gettid", "gettimeofday", "getuid", "ioctl",
	"lseek", "madvise", "membarrier", "mmap", "mprotect", "mremap", "munmap", "newfstatat",
	"open", "openat", "pipe2", "poll", "ppoll", "prctl", "pread64", "pselect6", "select",
	"read", "readv", "recvfrom", "recvmsg", "rename", "renameat", "restart_syscall", "rseq",
	"rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "sched_yield", "sendmsg", "sendto",
	"set_robust_list", "setsockopt", "shutdown", "sigaltstack", "stat", "statx", "sysinfo",
	"tgkill", "time", "uname", "unlink", "write", "writev" };

static gboolean fail(GError **error, const char *what, int code)
{
	g_set_error(
		error, G_IO_ERROR, g_io_error_from_errno(code), "%s: %s", what, g_strerror(code));
	return FALSE;
}

static gboolean drop_capabilities(GError **error)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = { 0 };

	for (unsigned long capability = 0; capability <= CAP_LAST_CAP; capability++)
		if (capability != CAP_NET_ADMIN &&
			prctl(PR_CAPBSET_READ, capability, 0UL, 0UL, 0UL) == 1 &&
			prctl(PR_CAPBSET_DROP, capability, 0UL, 0UL, 0UL) != 0 && errno != EPERM)
			return fail(error, "dropping a capability for good", errno);
	data[CAP_TO_INDEX(CAP_NET_ADMIN)].effective = CAP_TO_MASK(CAP_NET_ADMIN);
	data[CAP_TO_INDEX(CAP_NET_ADMIN)].permitted = CAP_TO_MASK(CAP_NET_ADMIN);
	if (syscall(SYS_capset, &header, data))
		return fail(error, "keeping CAP_NET_ADMIN alone", errno);
	return TRUE;
}

static gboolean load_filter(scmp_filter_ctx filter, GError **error)
{
	static const unsigned int families[] = { AF_UNIX, AF_NETLINK };
	int code = 0;

	for (gsize i = 0; i < G_N_ELEMENTS(allowed); i++) {
		int number = seccomp_syscall_resolve_name(allowed[i]);

		/* Not every architecture has every name. */
		if (number >= 0 && !code)
			code = seccomp_rule_add(filter, SCMP_ACT_ALLOW, number, 0);
	}
	for (gsize i = 0; i < G_N_ELEMENTS(families) && !code; i++)
		code = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(socket), 1,
			SCMP_A0(SCMP_CMP_EQ, families[i]));
	if (!code)
		code = seccomp_load(filter);
	return code ? fail(error, "loading the system call filter", -code) : TRUE;
}

gboolean enforce_sandbox_enter(GError **error)
{
	scmp_filter_ctx filter;
	gboolean ok;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1UL, 0UL, 0UL, 0UL))
		return fail(error, "giving up new privileges", errno);
	if (!drop_capabilities(error))
		return FALSE;
	filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
	if (!filter)
		return fail(error, "making the system call filter", ENOMEM);
	ok = load_filter(filter, error);
	seccomp_release(filter);
	return ok;
}
