#include "script/json.h"

#include <stdlib.h>

#include "base/xalloc.h"

char *json_optional(const cJSON *object, const char *key)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, key));
    return text != NULL ? xstrdup(text) : NULL;
}

char *json_text(const cJSON *object, const char *key)
{
    char *text = json_optional(object, key);
    return text != NULL ? text : xstrdup("");
}

double json_number(const cJSON *object, const char *key, double otherwise)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    return cJSON_IsNumber(item) ? item->valuedouble : otherwise;
}

uint32_t json_id(const cJSON *object, const char *key)
{
    double value = json_number(object, key, 0);
    return value > 0 && value <= UINT32_MAX ? (uint32_t)value : 0;
}

size_t json_texts(char ***out, const cJSON *object, const char *key)
{
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(object, key), *item;
    size_t count = 0;
    char **texts = xcalloc((size_t)cJSON_GetArraySize(list) + 1, sizeof *texts);
    cJSON_ArrayForEach(item, list)
    {
        const char *text = cJSON_GetStringValue(item);
        texts[count++] = xstrdup(text != NULL ? text : "");
    }
    *out = texts;
    return count;
}

size_t json_ids(uint32_t **out, const cJSON *object, const char *key)
{
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(object, key), *item;
    size_t count = 0;
    uint32_t *ids = xcalloc((size_t)cJSON_GetArraySize(list) + 1, sizeof *ids);
    cJSON_ArrayForEach(item, list)
    {
        if (cJSON_IsNumber(item) && item->valuedouble >= 0 && item->valuedouble <= UINT32_MAX)
            ids[count++] = (uint32_t)item->valuedouble;
    }
    *out = ids;
    return count;
}

void json_add_texts(cJSON *object, const char *key, char *const *texts, size_t count)
{
    cJSON *list = cJSON_AddArrayToObject(object, key);
    for (size_t i = 0; i < count; i++)
        cJSON_AddItemToArray(list, cJSON_CreateString(texts[i]));
}

void json_add_ids(cJSON *object, const char *key, const uint32_t *ids, size_t count)
{
    cJSON *list = cJSON_AddArrayToObject(object, key);
    for (size_t i = 0; i < count; i++)
        cJSON_AddItemToArray(list, cJSON_CreateNumber(ids[i]));
}

void strings_free(char **texts, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(texts[i]);
    free(texts);
}
