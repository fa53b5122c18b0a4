/* Faults in the calls that change files: this program's own open, write, fsync, ... stand before
 * libc's for every library that it uses, SQLite too.
 *
 * Nothing reaches the disk here (fsync is counted, not done): what a dying machine would lose is
 * taken back by hand, see FAULT_POWER. */
#ifndef IPCLAB_TESTS_STORE_FAULTS_H
#define IPCLAB_TESTS_STORE_FAULTS_H

enum fault {
    FAULT_NONE,
    FAULT_KILL,    /* SIGKILL before the call */
    FAULT_HALF,    /* SIGKILL after half of the bytes of a write */
    FAULT_POWER,   /* every write since its file's last fsync is undone, then SIGKILL */
    FAULT_FLICKER, /* some of them are undone, then SIGKILL */
    FAULT_ENOSPC,  /* this call fails */
    FAULT_EIO,
    FAULT_ENOSPC_ON, /* this call and all after it fail */
    FAULT_EIO_ON,
    FAULT_COUNT
};
extern const char *const fault_names[FAULT_COUNT];

/* The fault strikes at the at-th call from now on, counted from 1. */
void faults_arm(enum fault fault, unsigned at);
/* Calls since faults_arm. */
unsigned faults_calls(void);

#endif
