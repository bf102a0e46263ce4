// Stylesheets are taken into the bundle by esbuild; they export nothing.
declare module '*.css';
