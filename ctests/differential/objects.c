/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Labels for handles: s1, m1, r1, e1 ... in the order of creation, so that traces do not show
 * addresses. */
#include <stdio.h>
#include <string.h>

#include "driver.h"

static struct object objects[MOST_OBJECTS];
static int count;
static struct object *chosen[KINDS];

static const char letters[] = "smre";

struct object *object_add(enum kind kind, void *handle)
{
    int number = 1;
    struct object *object;

    if (handle == NULL)
        return NULL;
    if (count == MOST_OBJECTS)
        bad_script("too many objects", "");
    for (int i = 0; i < count; i++)
        if (objects[i].kind == kind)
            number++;
    object = &objects[count++];
    object->kind = kind;
    object->handle = handle;
    object->alive = true;
    snprintf(object->label, sizeof object->label, "%c%d", letters[kind], number);
    object->session = kind == SESSION ? object : chosen[SESSION];
    chosen[kind] = object;
    return object;
}

struct object *object_labelled(const char *label)
{
    for (int i = 0; i < count; i++)
        if (strcmp(objects[i].label, label) == 0)
            return &objects[i];
    bad_script("no such object", label);
    return NULL;
}

const char *label_of(enum kind kind, const void *handle)
{
    if (handle == NULL)
        return "NULL";
    for (int i = 0; i < count; i++)
        if (objects[i].alive && objects[i].kind == kind && objects[i].handle == handle)
            return objects[i].label;
    return "unknown";
}

struct object *current_object(enum kind kind)
{
    return chosen[kind];
}

void *current(enum kind kind)
{
    return chosen[kind] ? chosen[kind]->handle : NULL;
}

void set_current(enum kind kind, struct object *object)
{
    chosen[kind] = object;
}

struct object *object_number(int number)
{
    return number < count ? &objects[number] : NULL;
}

void session_died(struct object *session)
{
    for (int i = 0; i < count; i++)
        if (objects[i].session == session)
            objects[i].alive = false;
    for (int kind = 0; kind < KINDS; kind++)
        if (chosen[kind] != NULL && !chosen[kind]->alive)
            chosen[kind] = NULL;
}
