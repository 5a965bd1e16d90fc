# syntax=docker/dockerfile:1
# The command line, the console and the workers of examples/deployment: docker compose up -d --wait
# For a service of your own: its folder in the place of examples/deployment, or the published packages from npm.
ARG NODE_IMAGE=node:24.21.0-trixie-slim

FROM ${NODE_IMAGE} AS build
ENV CI=true
RUN npm install --global pnpm@12.21.0
WORKDIR /app
# Dependencies are fetched before the sources are copied: this layer is kept while only sources change.
COPY pnpm-lock.yaml pnpm-workspace.yaml ./
RUN pnpm fetch --ignore-scripts
COPY . .
# The page is built with the development dependencies, which are then left out. No embedded Postgres in an image.
RUN pnpm install --frozen-lockfile --offline --ignore-scripts \
 && node scripts/build-page.ts \
 && find . -name node_modules -type d -prune -exec rm -rf {} + \
 && pnpm install --frozen-lockfile --offline --ignore-scripts --prod --no-optional

FROM ${NODE_IMAGE}
ENV NODE_ENV=production
WORKDIR /app
# Owned by root: the process can read its files, and not change them.
COPY --from=build /app /app
# The user node, as a number: Kubernetes' runAsNonRoot cannot check a name.
USER 1000:1000
EXPOSE 4000 9464
ENTRYPOINT ["node", "packages/cli/src/main.ts", "--config", "examples/deployment/intendant.config.ts"]
CMD ["doctor"]
