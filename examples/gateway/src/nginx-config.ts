import { hostNameOf, type Route } from './route.ts';

/** The main file: no logs, no files outside the folder, and a server that refuses unknown host names. */
export const mainConfig = (folder: string, port: number): string => `
pid ${folder}/nginx.pid;
error_log ${folder}/error.log;
daemon off;
worker_processes 1;
events { worker_connections 128; }
http {
  access_log off;
  client_body_temp_path ${folder}/body;
  proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi;
  scgi_temp_path ${folder}/scgi;
  server { listen 127.0.0.1:${port} default_server; return 404; }
  include ${folder}/routes/*.conf;
}
`;

/** The path at which a server reports which revision of its route it has loaded. */
export const REVISION_PATH = '/.intendant/revision';

export const routeConfig = (route: Route, port: number): string => `
server {
  listen 127.0.0.1:${port};
  server_name ${hostNameOf(route)};
  location = ${REVISION_PATH} { return 200 "${route.revision}"; }
  location ${route.match === 'pattern' ? '~ ' : ''}${route.path} {
    proxy_pass ${route.upstream};
    proxy_connect_timeout 1s;
  }
}
`;
