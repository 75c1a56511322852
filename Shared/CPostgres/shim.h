#pragma once
#include <libpq-fe.h>

// Macros of characters, which Swift does not see. No logic.
static const int homing_pg_sqlstate = PG_DIAG_SQLSTATE;
static const int homing_pg_message = PG_DIAG_MESSAGE_PRIMARY;
static const int homing_pg_detail = PG_DIAG_MESSAGE_DETAIL;
static const int homing_pg_table = PG_DIAG_TABLE_NAME;
static const int homing_pg_column = PG_DIAG_COLUMN_NAME;
static const int homing_pg_constraint = PG_DIAG_CONSTRAINT_NAME;
