// SPDX-License-Identifier: BSD-3-Clause
/* Pages of a pool, reserved by connections: what each keeps, and a pot for all. */
#include "budget.h"

#include <errno.h>

static unsigned int least(unsigned int a, unsigned int b)
{
	return a < b ? a : b;
}

void budget_init(struct budget *budget, unsigned int pages)
{
	*budget = (struct budget){.total = pages, .pot = pages, .low = pages};
	pthread_mutex_init(&budget->lock, NULL);
}

void budget_destroy(struct budget *budget)
{
	pthread_mutex_destroy(&budget->lock);
}

static void take_from_pot(struct budget *budget, unsigned int pages)
{
	budget->pot -= pages;
	if (budget->pot < budget->low)
		budget->low = budget->pot;
}

/* Half of all may be kept as shares of full size; when more connections come than that, single
 * pages are. */
static unsigned int next_share(const struct budget *budget)
{
	return budget->kept + BUDGET_SHARE <= budget->total / 2 ? BUDGET_SHARE : 1;
}

int budget_join(struct budget *budget, struct budget_share *share)
{
	int ret = 0;

	pthread_mutex_lock(&budget->lock);
	if (budget->kept == budget->total) {
		ret = -ENOSPC;
	} else if (!budget->pot) {
		ret = -EAGAIN;
	} else {
		*share = (struct budget_share){.kept = least(next_share(budget), budget->pot)};
		take_from_pot(budget, share->kept);
		budget->kept += share->kept;
		budget->n_shares++;
	}
	pthread_mutex_unlock(&budget->lock);
	return ret;
}

void budget_leave(struct budget *budget, struct budget_share *share)
{
	if (!share->kept)
		return;
	pthread_mutex_lock(&budget->lock);
	budget->pot += share->held > share->kept ? share->held : share->kept;
	budget->kept -= share->kept;
	budget->n_shares--;
	pthread_mutex_unlock(&budget->lock);
	*share = (struct budget_share){0};
}

/* One connection may lend much of what others do not need now, and not all of it. */
static unsigned int most(const struct budget *budget)
{
	return budget->n_shares > 4 ? budget->total / budget->n_shares * 4 : budget->total;
}

unsigned int budget_take(struct budget *budget, struct budget_share *share, unsigned int want)
{
	unsigned int own = share->held < share->kept ? share->kept - share->held : 0;
	unsigned int got = least(want, own), lent, limit;

	if (got == want) { /* nobody else's business */
		share->held += got;
		return got;
	}
	pthread_mutex_lock(&budget->lock);
	limit = most(budget);
	lent = least(want - got, budget->pot);
	lent = share->held + got < limit ? least(lent, limit - share->held - got) : 0;
	take_from_pot(budget, lent);
	pthread_mutex_unlock(&budget->lock);
	share->held += got + lent;
	return got + lent;
}

unsigned int budget_low(struct budget *budget)
{
	unsigned int low;

	pthread_mutex_lock(&budget->lock);
	low = budget->low;
	pthread_mutex_unlock(&budget->lock);
	return low;
}

bool budget_ample(struct budget *budget, const struct budget_share *share)
{
	bool ample;

	if (share->held <= share->kept)
		return true;
	pthread_mutex_lock(&budget->lock);
	ample = budget->pot >= (budget->total - budget->kept) / 2;
	pthread_mutex_unlock(&budget->lock);
	return ample;
}

void budget_give(struct budget *budget, struct budget_share *share, unsigned int pages)
{
	unsigned int lent = share->held > share->kept ? share->held - share->kept : 0;
	unsigned int back = least(pages, lent);

	share->held -= pages;
	if (!back)
		return;
	pthread_mutex_lock(&budget->lock);
	budget->pot += back;
	pthread_mutex_unlock(&budget->lock);
}
