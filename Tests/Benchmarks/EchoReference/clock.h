// Clocks, in seconds.
#ifndef ECHO_REFERENCE_CLOCK_H
#define ECHO_REFERENCE_CLOCK_H

// A clock that only goes forward and is the same for all processes of the machine.
double steady_clock(void);
double wall_clock(void);
// The processor time of this process, user and system.
double cpu_clock(void);

#endif
