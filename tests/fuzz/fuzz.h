// SPDX-License-Identifier: GPL-3.0-or-later
// SPDX-FileCopyrightText: The Pointsman authors

#pragma once

#include <stddef.h>
#include <stdint.h>

/* What libFuzzer calls with each input: it returns 0, or does not return. */
int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);
