/* How the run ended, as the rule family `rule_ending` sees it. */
#ifndef IPCLAB_DIAGNOSE_ENDING_H
#define IPCLAB_DIAGNOSE_ENDING_H

#include "diagnose/finding.h"

enum run_end ending_verdict(const void *ending_state);

#endif
