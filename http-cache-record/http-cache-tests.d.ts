declare module 'http-cache-tests/*';
declare module '*.cjs';
