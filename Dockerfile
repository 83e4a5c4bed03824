# The daemon as an image. Mount the configuration at /etc/fleet-smoke (read-only), keep state in /data; nothing else
# is written but /tmp, so `--read-only --tmpfs /tmp` works. To be reached from outside, the configuration sets
# `http.listen: "0.0.0.0:9464"` with what that demands, and `store.path` below /data. Where the daemon listens
# elsewhere or with TLS, set FLEET_SMOKE_HEALTH_URL to match.
# test/project/image.test.ts performs these steps one by one; keep paths in RUN relative.

FROM node:24-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
# No scripts: the only one would fetch the Node that this image already is.
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY tsconfig.json tsconfig.build.json ./
COPY src ./src
RUN npm run -s build && mkdir data

FROM node:24-bookworm-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund

FROM node:24-bookworm-slim
LABEL org.opencontainers.image.title="fleet-smoke" \
      org.opencontainers.image.description="Plays your devices against AWS IoT Core custom authorizers before a firmware rollout" \
      org.opencontainers.image.licenses="Apache-2.0"
ENV NODE_ENV=production \
    FLEET_SMOKE_HEALTH_URL=http://127.0.0.1:9464/-/healthy
WORKDIR /app
COPY package.json LICENSE ./
COPY --from=dependencies /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
COPY --from=build --chown=1000:1000 /app/data /data
VOLUME ["/data"]
# The image's user `node`, as a number: Kubernetes checks runAsNonRoot without reading /etc/passwd.
USER 1000:1000
EXPOSE 9464
HEALTHCHECK --interval=30s --timeout=5s --start-period=15s --retries=3 \
  CMD ["node", "-e", "const url = process.env.FLEET_SMOKE_HEALTH_URL; require(url.split(':')[0]).get(url, { rejectUnauthorized: false }, (r) => process.exit(r.statusCode === 200 ? 0 : 1)).on('error', () => process.exit(1))"]
# The daemon drains within 10 s; give it a grace period above that.
STOPSIGNAL SIGTERM
# Node's defaults let the heap grow by a hundred megabytes before they collect, whatever the size of the fleet.
ENTRYPOINT ["node", "--max-semi-space-size=8", "--heap-growing-percent=50", "dist/main.js"]
CMD ["daemon", "--config", "/etc/fleet-smoke/fleet-smoke.yaml"]
