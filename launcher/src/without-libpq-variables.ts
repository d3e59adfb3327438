/**
 * To be imported before anything else: the variables by which the shell names another PostgreSQL are taken away before
 * the driver is loaded, which looks at one of them at that moment.
 */
import { removeLibpqVariables } from '@micromart/postgres/libpq-variables';

removeLibpqVariables(process.env);
