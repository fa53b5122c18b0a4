/* Parts of verdicts that engine/grade's own files share; everybody else uses grade/grade.h. */
#ifndef IPCLAB_GRADE_VERDICT_H
#define IPCLAB_GRADE_VERDICT_H

#include <cjson/cJSON.h>

#include "grade/grade.h"

/* A run as JSON and back; the caller owns the result. */
cJSON *verdict_run_json(const struct verdict_run *run);
void verdict_run_from(struct verdict_run *out, const cJSON *json);
void verdict_run_fini(struct verdict_run *run);

void verdict_check_fini(struct verdict_check *check);

#endif
