/* Machines that lack something, made of this one for the length of a child process: it calls one of
 * these and exits with what they return. 0: all is as it must be there; else a number that says
 * where not. */
#ifndef IPCLAB_TESTS_SANDBOX_MACHINES_H
#define IPCLAB_TESTS_SANDBOX_MACHINES_H

enum { MACHINE_SKIPPED = 77 };

/* No user namespaces are to be had. uid, gid: of the caller, before it was made. */
int machine_without_namespaces(unsigned uid, unsigned gid);
/* No new /proc may be mounted, as in a container that covers parts of its own. */
int machine_without_proc(unsigned uid, unsigned gid);
/* Root on a file system without idmapped mounts; folder: one that is ours. */
int machine_without_idmaps(unsigned uid, const char *folder);

#endif
