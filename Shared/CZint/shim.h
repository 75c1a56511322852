#pragma once
#include <zint.h>

/// Whether a module of an encoded symbol is dark. Swift does not import an array of this size.
static inline int CZint_isDark(const struct zint_symbol *symbol, int row, int column) {
  return symbol->encoded_data[row][column >> 3] >> (column & 7) & 1;
}
