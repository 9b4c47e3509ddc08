// The byte-pair ranks and character classes that the tokenizer reads; Tests/Tokens/pack.py makes them and says their form.
//
// The ranks are those of cl100k_base and o200k_base, which OpenAI publishes with tiktoken under the MIT licence
// (Copyright (c) 2022 OpenAI, Shantanu Jain; the text is in LICENSE-tiktoken beside this target's sources).
#ifndef MILLRACE_CTOKENDATA_H
#define MILLRACE_CTOKENDATA_H

#include <stddef.h>

extern const unsigned char *const millrace_cl100k_base;
extern const size_t millrace_cl100k_base_size;
extern const unsigned char *const millrace_o200k_base;
extern const size_t millrace_o200k_base_size;
extern const unsigned char *const millrace_character_classes;
extern const size_t millrace_character_classes_size;

#endif
