"""/v1/webhooks: which of a tenant's own systems are told what."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Query, Response

from clientsphere_common.paging import Page
from gateway.api.access import GuardedRoute
from gateway.api.dependencies import TheCaller, TheServices, lookup_id
from gateway.api.paging import ThePage
from gateway.api.problem_docs import problems
from gateway.api.schemas.webhooks import (
    CreatedWebhook,
    DeliveryBody,
    DeliveryList,
    RotatedSecret,
    SecretRotationBody,
    WebhookBody,
    WebhookList,
    WebhookWishBody,
)
from gateway.api.versions import NOT_MODIFIED, OnlyIf, TheNewVersion, TheVersions
from gateway.webhooks.model import Delivery, DeliveryState

router = APIRouter(prefix="/v1/webhooks", tags=["Webhooks"], route_class=GuardedRoute)


@router.post(
    "",
    status_code=201,
    summary="Create a webhook",
    responses=problems(
        "invalid_request", "webhook_url_refused", "permission_denied", "too_many_webhooks"
    ),
)
async def create_webhook(
    body: WebhookWishBody, services: TheServices, caller: TheCaller, response: Response
) -> CreatedWebhook:
    """Its receiver is told of events of the whole tenant from now on, whoever may read them.

    The secret is shown this once. Signatures are those of Standard Webhooks.
    """
    issued = await services.webhooks.registration.create(caller, body.to_model())
    response.headers["Location"] = f"{router.prefix}/{issued.webhook.id}"
    return CreatedWebhook.of_issued(issued)


@router.get(
    "",
    summary="List the webhooks",
    responses=problems("invalid_request", "invalid_page_token", "permission_denied"),
    response_model=WebhookList,
)
async def list_webhooks(
    services: TheServices, caller: TheCaller, page: ThePage
) -> Page[WebhookBody]:
    """Oldest first, without their secrets, which nobody can read back."""
    webhooks = await services.webhooks.registration.page(caller, page)
    return webhooks.of(WebhookBody.of)


@router.get(
    "/{webhook_id}",
    summary="Get a webhook",
    responses=NOT_MODIFIED | problems("permission_denied", "webhook_not_found"),
    response_model=WebhookBody,
)
async def get_webhook(
    webhook_id: str, services: TheServices, caller: TheCaller, versions: TheVersions
) -> WebhookBody | Response:
    """Whether it is enabled, and since when its receiver accepts nothing."""
    webhook = await services.webhooks.registration.get(caller, lookup_id(webhook_id))
    return versions.unless_known(WebhookBody.of(webhook), webhook.version)


@router.put(
    "/{webhook_id}",
    summary="Change a webhook",
    responses=problems(
        "invalid_request",
        "webhook_url_refused",
        "permission_denied",
        "webhook_not_found",
        "precondition_failed",
    ),
)
async def update_webhook(  # noqa: PLR0913 - what FastAPI fills in
    webhook_id: str,
    body: WebhookWishBody,
    services: TheServices,
    caller: TheCaller,
    only_if: OnlyIf,
    versions: TheNewVersion,
) -> WebhookBody:
    """What waits goes to the new URL. Disabling gives it up; enabling begins anew.

    Events that happen while a webhook is disabled are not told later.
    """
    webhook = await services.webhooks.registration.update(
        caller, lookup_id(webhook_id), body.to_model(), only_if
    )
    return versions.told(WebhookBody.of(webhook), webhook.version)


@router.delete(
    "/{webhook_id}",
    status_code=204,
    summary="Delete a webhook",
    responses=problems("permission_denied", "webhook_not_found", "precondition_failed"),
)
async def delete_webhook(
    webhook_id: str, services: TheServices, caller: TheCaller, only_if: OnlyIf
) -> None:
    """With the records of its deliveries; nothing that waits is sent."""
    await services.webhooks.registration.delete(caller, lookup_id(webhook_id), only_if)


@router.post(
    "/{webhook_id}/rotate",
    summary="Give a webhook a new secret",
    responses=problems("invalid_request", "permission_denied", "webhook_not_found"),
)
async def rotate_webhook_secret(
    webhook_id: str, body: SecretRotationBody, services: TheServices, caller: TheCaller
) -> RotatedSecret:
    """Shown this once. Until the overlap ends, every delivery is signed with both secrets."""
    overlap = timedelta(hours=body.overlap_hours)
    secret, secrets = await services.webhooks.registration.rotate(
        caller, lookup_id(webhook_id), overlap
    )
    return RotatedSecret.of(secret, secrets)


@router.post(
    "/{webhook_id}/test",
    status_code=202,
    summary="Send a test to a webhook",
    responses=problems("permission_denied", "webhook_not_found", "webhook_disabled"),
    response_model=DeliveryBody,
)
async def test_webhook(webhook_id: str, services: TheServices, caller: TheCaller) -> Delivery:
    """An event `webhook.test`, sent once and at once; the deliveries tell how it went."""
    return await services.webhooks.deliveries.test(caller, lookup_id(webhook_id))


@router.get(
    "/{webhook_id}/deliveries",
    summary="List the deliveries to a webhook",
    responses=problems(
        "invalid_request", "invalid_page_token", "permission_denied", "webhook_not_found"
    ),
    response_model=DeliveryList,
)
async def list_webhook_deliveries(
    webhook_id: str,
    services: TheServices,
    caller: TheCaller,
    page: ThePage,
    state: Annotated[DeliveryState | None, Query()] = None,
) -> Page[Delivery]:
    """Newest first, a page at a time; those of one state, or all."""
    return await services.webhooks.deliveries.page(caller, lookup_id(webhook_id), state, page)


@router.post(
    "/{webhook_id}/deliveries/{delivery_id}/redeliver",
    status_code=202,
    summary="Send a delivery again",
    responses=problems(
        "permission_denied",
        "webhook_not_found",
        "webhook_delivery_not_found",
        "webhook_delivery_pending",
        "webhook_disabled",
    ),
    response_model=DeliveryBody,
)
async def redeliver_webhook_delivery(
    webhook_id: str, delivery_id: str, services: TheServices, caller: TheCaller
) -> Delivery:
    """One that arrived or was given up, at once and with all its attempts.

    The receiver knows by `webhook-id` that it is the same.
    """
    return await services.webhooks.deliveries.redeliver(
        caller, lookup_id(webhook_id), lookup_id(delivery_id)
    )
