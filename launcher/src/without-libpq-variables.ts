/**
 * Import this before anything else. It removes the variables with which the shell names another PostgreSQL, because the driver
 * reads one of them when it is loaded.
 */
import { removeLibpqVariables } from '@micromart/postgres/libpq-variables';

removeLibpqVariables(process.env);
