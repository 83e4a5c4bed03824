import { z } from "zod";

/**
 * The parts of the Kubernetes API that our manifests use, each strict: a key in the wrong place or misspelt, which
 * the API server would drop or refuse, fails. After kubernetes.io/docs/reference/kubernetes-api.
 */
const name = z.string().regex(/^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/);
const labels = z.record(z.string().regex(/^([a-z0-9.-]+\/)?[A-Za-z0-9._-]+$/), z.string().max(63));
const metadata = z.strictObject({ name, labels: labels.optional() });
const selector = z.strictObject({ matchLabels: labels });
const quantity = z.string().regex(/^\d+(m|Mi|Gi)?$/);
const resources = z.strictObject({ cpu: quantity, memory: quantity });
const portName = z.string().regex(/^[a-z]([a-z0-9-]{0,13}[a-z0-9])?$/);
const protocol = z.enum(["TCP", "UDP"]);

const probe = z.strictObject({
  httpGet: z.strictObject({ path: z.string().startsWith("/"), port: portName }),
  periodSeconds: z.int().min(1),
  timeoutSeconds: z.int().min(1).optional(),
  failureThreshold: z.int().min(1).optional(),
});

const container = z.strictObject({
  name,
  image: z.string(),
  ports: z.array(z.strictObject({ name: portName, containerPort: z.int(), protocol })),
  securityContext: z.strictObject({
    allowPrivilegeEscalation: z.literal(false),
    readOnlyRootFilesystem: z.literal(true),
    capabilities: z.strictObject({ drop: z.tuple([z.literal("ALL")]) }),
  }),
  startupProbe: probe,
  livenessProbe: probe,
  readinessProbe: probe,
  resources: z.strictObject({ requests: resources, limits: resources }),
  volumeMounts: z.array(
    z.strictObject({ name, mountPath: z.string().startsWith("/"), readOnly: z.boolean().optional() }),
  ),
});

const volume = z.union([
  z.strictObject({ name, configMap: z.strictObject({ name }) }),
  // Decimal: what YAML 1.1 reads as octal, YAML 1.2 does not.
  z.strictObject({ name, secret: z.strictObject({ secretName: name, defaultMode: z.literal(0o440) }) }),
  z.strictObject({ name, persistentVolumeClaim: z.strictObject({ claimName: name }) }),
  z.strictObject({ name, emptyDir: z.strictObject({ sizeLimit: quantity }) }),
]);

const podSpec = z.strictObject({
  serviceAccountName: name,
  automountServiceAccountToken: z.literal(false),
  enableServiceLinks: z.literal(false),
  terminationGracePeriodSeconds: z.int(),
  securityContext: z.strictObject({
    runAsNonRoot: z.literal(true),
    runAsUser: z.int().min(1),
    runAsGroup: z.int().min(1),
    fsGroup: z.int().min(1),
    fsGroupChangePolicy: z.enum(["OnRootMismatch", "Always"]),
    seccompProfile: z.strictObject({ type: z.literal("RuntimeDefault") }),
  }),
  containers: z.tuple([container]),
  volumes: z.array(volume),
});

export const deployment = z.strictObject({
  apiVersion: z.literal("apps/v1"),
  kind: z.literal("Deployment"),
  metadata,
  spec: z.strictObject({
    // One process owns the store.
    replicas: z.literal(1),
    strategy: z.strictObject({ type: z.literal("Recreate") }),
    selector,
    template: z.strictObject({ metadata: z.strictObject({ labels }), spec: podSpec }),
  }),
});

export const service = z.strictObject({
  apiVersion: z.literal("v1"),
  kind: z.literal("Service"),
  metadata,
  spec: z.strictObject({
    selector: labels,
    ports: z.array(z.strictObject({ name: portName, port: z.int(), targetPort: portName, protocol })),
  }),
});

const peer = z.strictObject({ namespaceSelector: selector.optional(), podSelector: selector.optional() });
const ports = z.array(z.strictObject({ port: z.int(), protocol })).min(1);

export const networkPolicy = z.strictObject({
  apiVersion: z.literal("networking.k8s.io/v1"),
  kind: z.literal("NetworkPolicy"),
  metadata,
  spec: z.strictObject({
    podSelector: selector,
    policyTypes: z.tuple([z.literal("Ingress"), z.literal("Egress")]),
    ingress: z.array(z.strictObject({ from: z.array(peer).min(1), ports })),
    egress: z.array(z.strictObject({ to: z.array(peer).min(1).optional(), ports })),
  }),
});

export const serviceMonitor = z.strictObject({
  apiVersion: z.literal("monitoring.coreos.com/v1"),
  kind: z.literal("ServiceMonitor"),
  metadata,
  spec: z.strictObject({
    jobLabel: z.string(),
    selector,
    endpoints: z.tuple([
      z.strictObject({
        port: portName,
        path: z.literal("/metrics"),
        interval: z.string().regex(/^\d+s$/),
        scrapeTimeout: z.string().regex(/^\d+s$/),
        relabelings: z.array(
          z.strictObject({
            sourceLabels: z.array(z.string()).optional(),
            separator: z.string().optional(),
            targetLabel: z.string().optional(),
            action: z.enum(["labeldrop"]).optional(),
            regex: z.string().optional(),
          }),
        ),
      }),
    ]),
  }),
});

const prometheusRule = z.strictObject({
  apiVersion: z.literal("monitoring.coreos.com/v1"),
  kind: z.literal("PrometheusRule"),
  metadata,
  // Its rules are checked as Prometheus' own files.
  spec: z.strictObject({ groups: z.array(z.looseObject({ name: z.string() })).min(1) }),
});

const serviceAccount = z.strictObject({
  apiVersion: z.literal("v1"),
  kind: z.literal("ServiceAccount"),
  metadata,
  automountServiceAccountToken: z.literal(false),
});

export const claim = z.strictObject({
  apiVersion: z.literal("v1"),
  kind: z.literal("PersistentVolumeClaim"),
  metadata,
  spec: z.strictObject({
    accessModes: z.tuple([z.literal("ReadWriteOnce")]),
    resources: z.strictObject({ requests: z.strictObject({ storage: quantity }) }),
  }),
});

const namespace = z.strictObject({
  apiVersion: z.literal("v1"),
  kind: z.literal("Namespace"),
  metadata,
});

export const manifest = z.discriminatedUnion("kind", [
  deployment,
  service,
  networkPolicy,
  serviceMonitor,
  prometheusRule,
  serviceAccount,
  claim,
  namespace,
]);

export const kustomization = z.strictObject({
  apiVersion: z.literal("kustomize.config.k8s.io/v1beta1"),
  kind: z.literal("Kustomization"),
  namespace: name,
  resources: z.array(z.string()),
  labels: z.array(z.strictObject({ pairs: labels, includeTemplates: z.boolean() })),
  images: z.array(z.strictObject({ name: z.string(), newName: z.string(), newTag: z.string() })),
  configMapGenerator: z.array(z.strictObject({ name, files: z.array(z.string()) })),
});
