// SPDX-License-Identifier: BSD-3-Clause
/* guest-poweroff: ends the test kernel at once, where no init system is there to do it. */
#include <stdio.h>
#include <sys/reboot.h>
#include <unistd.h>

int main(void)
{
	sync();
	reboot(RB_POWER_OFF);
	perror("guest-poweroff");
	return 1;
}
