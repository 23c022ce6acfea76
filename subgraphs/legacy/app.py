"""The monolith: every resource under `/api`, for as long as a route still leads here.

Deliberately its own code and its own SQL. What it shares with the services is the kit, the database and the contract:
a client must not be able to tell which side responded, except by how long it took.
"""

from fastapi import APIRouter, FastAPI

from subgraphs.kit.app import create_app
from subgraphs.kit.database import Database
from subgraphs.kit.settings import Settings
from subgraphs.legacy import customers, inventory, orders, payments, products, recommendations, shipping

RESOURCES = (customers, orders, products, payments, inventory, shipping, recommendations)


def create(settings: Settings, database: Database) -> FastAPI:
    router = APIRouter()
    for resource in RESOURCES:
        router.routes.extend(resource.router.routes)
    return create_app("legacy", description=__doc__ or "", router=router, settings=settings, database=database)
