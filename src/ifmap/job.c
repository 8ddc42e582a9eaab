/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ifmap/job.h"

struct ifmap_job *ifmap_job_new(enum ifmap_job_type type)
{
	struct ifmap_job *job = g_new0(struct ifmap_job, 1);

	job->refs = 1;
	job->type = type;
	return job;
}

struct ifmap_job *ifmap_job_ref(struct ifmap_job *job)
{
	g_atomic_int_inc(&job->refs);
	return job;
}

void ifmap_job_unref(struct ifmap_job *job)
{
	if (!job || !g_atomic_int_dec_and_test(&job->refs))
		return;
	ifmap_publish_free(job->publish);
	g_clear_pointer(&job->kept, g_ptr_array_unref);
	ifmap_sub_unref(job->sub);
	ifmap_search_clear(&job->search);
	g_free(job->publisher_id);
	g_clear_error(&job->error);
	ifmap_result_free(job->result);
	g_free(job);
}
