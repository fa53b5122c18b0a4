/* Reading values out of JSON that we wrote ourselves: what is missing or of another type is "" or
 * 0. */
#ifndef IPCLAB_SCRIPT_JSON_H
#define IPCLAB_SCRIPT_JSON_H

#include <stddef.h>
#include <stdint.h>

#include <cjson/cJSON.h>

/* A copy of the text that the caller frees; never NULL. */
char *json_text(const cJSON *object, const char *key);
/* The same, NULL when there is none. */
char *json_optional(const cJSON *object, const char *key);
double json_number(const cJSON *object, const char *key, double otherwise);
uint32_t json_id(const cJSON *object, const char *key);
/* A list of texts: *out and each element are the caller's. Returns their number. */
size_t json_texts(char ***out, const cJSON *object, const char *key);
size_t json_ids(uint32_t **out, const cJSON *object, const char *key);

void json_add_texts(cJSON *object, const char *key, char *const *texts, size_t count);
void json_add_ids(cJSON *object, const char *key, const uint32_t *ids, size_t count);

/* Frees a list of texts. */
void strings_free(char **texts, size_t count);

#endif
